// Writes the pictures of a job to a folder as they arrive, and keeps the files that are there.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "client/lib/local_file.h"
#include "client/output/picture_prompts.h"
#include "vico/v1/job.pb.h"

namespace vico::client {

/// The words of a prompt for a file name, at most 40 bytes: "a-photo-of-s-on-the-beach". "picture"
/// if it has none.
std::string PromptSlug(const std::string& prompt);

/// With the first 8 letters of the job's id: <job>_<slug>_<seed>.png,
/// <job>_preview_<index>_step_<step>.png, <job>_sample_step_<step>.png or <job>_mask_<index>.png;
/// empty for other events.
std::string PictureFileName(const std::string& job, const std::string& slug,
                            const v1::Event& event);

/// The n-th name for a file: "1c9e_cat_7.png", "1c9e_cat_7_2.png", "1c9e_cat_7_3.png", …
std::string NumberedName(const std::string& name, int number);

/// What happens to the texts in a PNG that say how it was made.
enum class Metadata { kKeep, kRemove };

struct PictureFolderOptions {
  Existing existing = Existing::kKeep;
  Metadata metadata = Metadata::kKeep;
};

class PictureFolder {
 public:
  /// Each prompt has a slug of its own: "a-cat", then "a-cat-2" for another one of the same words.
  PictureFolder(std::filesystem::path folder, const PicturePrompts& prompts,
                PictureFolderOptions options = {});
  /// `prompt` is the only one of a generation; empty for a training.
  PictureFolder(std::filesystem::path folder, const std::string& prompt,
                PictureFolderOptions options = {})
      : PictureFolder(std::move(folder), PicturePrompts{{prompt}}, options) {}

  /// Writes the event's picture atomically and returns its path; empty for events without one. A
  /// file with the same bytes is used as it is. Another file of that name stays, and the picture
  /// gets the first free numbered name. A later mask of a picture replaces the earlier one of this
  /// job. Errors as in client/lib/local_file.h, and kInvalidArgument if the texts of a picture
  /// cannot be removed, since it is no PNG.
  absl::StatusOr<std::filesystem::path> Save(const std::string& job, const v1::Event& event,
                                             const std::string& received);

 private:
  const std::string& SlugOf(const v1::Event& event) const;

  std::filesystem::path folder_;
  std::vector<std::string> slugs_;  // of the prompts
  int per_prompt_;                  // pictures
  PictureFolderOptions options_;
  std::map<std::string, std::filesystem::path> written_;  // by this object, by the event's name
};

}  // namespace vico::client
