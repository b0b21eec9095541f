#include "client/output/picture_folder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "client/lib/local_file.h"
#include "common/formats/png_text.h"
#include "common/status.h"
#include "common/text/slug.h"

namespace vico::client {

std::string PromptSlug(const std::string& prompt) {
  constexpr std::size_t kMostBytes = 40;
  const std::string slug = Slug(prompt, kMostBytes);
  return slug.empty() ? "picture" : slug;
}

std::string PictureFileName(const std::string& job, const std::string& slug,
                            const v1::Event& event) {
  constexpr std::size_t kIdLetters = 8;
  const std::string id = job.substr(job.rfind('/') + 1).substr(0, kIdLetters);
  switch (event.what_case()) {
    case v1::Event::kPicture:
      return fmt::format("{}_{}_{}.png", id, slug, event.picture().seed());
    case v1::Event::kPreview:
      return fmt::format("{}_preview_{}_step_{}.png", id, event.preview().picture_index(),
                         event.preview().step());
    case v1::Event::kSample:
      return fmt::format("{}_sample_step_{}.png", id, event.sample().step());
    case v1::Event::kMask:
      return fmt::format("{}_mask_{}.png", id, event.mask().picture_index());
    default:
      return "";
  }
}

std::string NumberedName(const std::string& name, int number) {
  if (number == 1) return name;
  const std::filesystem::path path(name);
  return fmt::format("{}_{}{}", path.stem().string(), number, path.extension().string());
}

PictureFolder::PictureFolder(std::filesystem::path folder, const PicturePrompts& prompts,
                             PictureFolderOptions options)
    : folder_(std::move(folder)), per_prompt_(prompts.per_prompt), options_(options) {
  for (const std::string& prompt : prompts.prompts) {
    const std::string slug = PromptSlug(prompt);
    std::string own = slug;
    for (int number = 2; std::ranges::find(slugs_, own) != slugs_.end(); ++number) {
      own = fmt::format("{}-{}", slug, number);
    }
    slugs_.push_back(std::move(own));
  }
}

/// Of the picture's prompt; the last one's for an index that the job should not have.
const std::string& PictureFolder::SlugOf(const v1::Event& event) const {
  const auto prompt = static_cast<std::size_t>(std::max(0, event.picture().index() / per_prompt_));
  return slugs_[std::min(prompt, slugs_.size() - 1)];
}

absl::StatusOr<std::filesystem::path> PictureFolder::Save(const std::string& job,
                                                          const v1::Event& event,
                                                          const std::string& received) {
  const std::string name = PictureFileName(job, SlugOf(event), event);
  if (name.empty()) return std::filesystem::path();
  std::string stripped;
  if (options_.metadata == Metadata::kRemove) {
    ASSIGN_OR_RETURN(stripped, StripPngText(received));
  }
  const std::string& bytes = options_.metadata == Metadata::kRemove ? stripped : received;
  std::filesystem::path& ours = written_[name];
  std::error_code ignored;
  for (int number = 1;; ++number) {
    const std::filesystem::path file = folder_ / NumberedName(name, number);
    const bool replace = options_.existing == Existing::kReplace || file == ours;
    const bool there = std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
    if (there && !replace) {
      if (!HasBytes(file, bytes)) continue;
      // The last mask of a job that is watched again.
      if (!ours.empty()) std::filesystem::remove(ours, ignored);
      ours.clear();
      return file;
    }
    const absl::Status written =
        WriteAtomically(file, bytes, replace ? Existing::kReplace : Existing::kKeep);
    // Another program was faster.
    if (absl::IsAlreadyExists(written)) continue;
    RETURN_IF_ERROR(written);
    ours = file;
    return file;
  }
}

}  // namespace vico::client
