// 27 prompts about a photo, then the same about an illustration and a depiction.
#include "worker/train/templates.h"

#include <array>
#include <string_view>

namespace vico::worker {
namespace {

constexpr std::array<std::string_view, 27> kPhoto = {
    "a photo of a {}",           "a rendering of a {}",
    "a cropped photo of the {}", "the photo of a {}",
    "a photo of a clean {}",     "a photo of a dirty {}",
    "a dark photo of the {}",    "a photo of my {}",
    "a photo of the cool {}",    "a close-up photo of a {}",
    "a bright photo of the {}",  "a cropped photo of a {}",
    "a photo of the {}",         "a good photo of the {}",
    "a photo of one {}",         "a close-up photo of the {}",
    "a rendition of the {}",     "a photo of the clean {}",
    "a rendition of a {}",       "a photo of a nice {}",
    "a good photo of a {}",      "a photo of the nice {}",
    "a photo of the small {}",   "a photo of the weird {}",
    "a photo of the large {}",   "a photo of a cool {}",
    "a photo of a small {}"};

}  // namespace

const std::vector<std::string>& TrainingTemplates() {
  static const auto* const kTemplates = [] {
    constexpr std::string_view kPrefix = "a photo of";
    auto* all = new std::vector<std::string>(kPhoto.begin(), kPhoto.end());
    for (const auto* other : {"an illustration of", "a depiction of"}) {
      for (const auto& entry : kPhoto) {
        all->push_back(entry.starts_with(kPrefix)
                           ? other + std::string(entry.substr(kPrefix.size()))
                           : std::string(entry));
      }
    }
    return all;
  }();
  return *kTemplates;
}

}  // namespace vico::worker
