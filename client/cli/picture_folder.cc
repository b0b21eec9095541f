#include "client/cli/picture_folder.h"

#include <fmt/format.h>

#include "client/lib/local_file.h"
#include "common/status.h"

namespace vico::client {

std::string PictureFileName(const v1::Event& event) {
  switch (event.what_case()) {
    case v1::Event::kPicture:
      return fmt::format("picture_{}_{}.png", event.picture().index(), event.picture().seed());
    case v1::Event::kPreview:
      return fmt::format("preview_{}_step_{}.png", event.preview().picture_index(),
                         event.preview().step());
    case v1::Event::kSample:
      return fmt::format("sample_step_{}.png", event.sample().step());
    case v1::Event::kMask:
      return fmt::format("mask_{}.png", event.mask().picture_index());
    default:
      return "";
  }
}

absl::StatusOr<std::filesystem::path> PictureFolder::Save(const v1::Event& event,
                                                          const std::string& bytes) const {
  const std::string name = PictureFileName(event);
  if (name.empty()) return std::filesystem::path();
  const std::filesystem::path file = folder_ / name;
  RETURN_IF_ERROR(WriteAtomically(file, bytes));
  return file;
}

}  // namespace vico::client
