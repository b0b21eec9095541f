// Writes the pictures of a job to a folder as they arrive.
#pragma once

#include <filesystem>
#include <string>

#include <absl/status/statusor.h>

#include "vico/v1/job.pb.h"

namespace vico::client {

/// picture_<index>_<seed>.png, preview_<index>_step_<step>.png, sample_step_<step>.png or
/// mask_<index>.png (a later mask of a picture replaces an earlier one); empty for other events.
std::string PictureFileName(const v1::Event& event);

class PictureFolder {
 public:
  explicit PictureFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes the event's picture atomically and returns its path; empty for events without one.
  /// Errors as in client/lib/local_file.h.
  absl::StatusOr<std::filesystem::path> Save(const v1::Event& event,
                                             const std::string& bytes) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace vico::client
