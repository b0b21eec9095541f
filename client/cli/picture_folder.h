// Writes the pictures of a job to a folder as they arrive, and keeps the files that are there.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <absl/status/statusor.h>

#include "client/lib/local_file.h"
#include "vico/v1/job.pb.h"

namespace vico::client {

/// picture_<index>_<seed>.png, preview_<index>_step_<step>.png, sample_step_<step>.png or
/// mask_<index>.png; empty for other events.
std::string PictureFileName(const v1::Event& event);

/// The n-th name for a file: "picture_0_7.png", "picture_0_7_2.png", "picture_0_7_3.png", …
std::string NumberedName(const std::string& name, int number);

class PictureFolder {
 public:
  explicit PictureFolder(std::filesystem::path folder, Existing existing = Existing::kKeep)
      : folder_(std::move(folder)), existing_(existing) {}

  /// Writes the event's picture atomically and returns its path; empty for events without one. A
  /// file with the same bytes is used as it is. Another file of that name stays, and the picture
  /// gets the first free numbered name. A later mask of a picture replaces the earlier one of this
  /// job. Errors as in client/lib/local_file.h.
  absl::StatusOr<std::filesystem::path> Save(const v1::Event& event, const std::string& bytes);

 private:
  std::filesystem::path folder_;
  Existing existing_;
  std::map<std::string, std::filesystem::path> written_;  // by this object, by the event's name
};

}  // namespace vico::client
