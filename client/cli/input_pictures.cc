#include "client/cli/input_pictures.h"

#include <filesystem>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "client/cli/resolve_names.h"
#include "client/lib/local_file.h"
#include "client/output/output.h"
#include "client/output/progress.h"
#include "common/status.h"

namespace vico::client {
namespace {

bool IsFile(const std::optional<std::string>& picture) {
  return picture && !IsPictureName(*picture);
}

absl::Status CheckPicture(const std::optional<std::string>& picture) {
  if (!IsFile(picture)) return absl::OkStatus();
  std::error_code ignored;
  const auto type = std::filesystem::status(*picture, ignored).type();
  if (type != std::filesystem::file_type::not_found) return Describe(*picture).status();
  return absl::InvalidArgumentError(
      fmt::format("there is no file \"{}\", and it is no name of a picture on the server: "
                  "concepts/ID/pictures/0, jobs/ID/pictures/0, jobs/ID/samples/STEP, "
                  "adapters/ID/reference or pictures/ID",
                  Printable(*picture)));
}

}  // namespace

InputPictures::~InputPictures() {
  // One that cannot be deleted expires.
  for (const std::string& name : uploaded_) context_.client.DeletePicture(name).IgnoreError();
}

/// The name of the picture on the server. Uploads a file.
absl::StatusOr<std::string> InputPictures::NameOf(const std::string& picture) {
  if (IsPictureName(picture)) return picture;
  ProgressDisplay display(context_.err, context_.columns);
  ASSIGN_OR_RETURN(const v1::UploadedPicture uploaded,
                   context_.client.UploadPicture(picture, display.ForTransfer("upload")));
  uploaded_.push_back(uploaded.name());
  return uploaded.name();
}

absl::Status InputPictures::SetPictures(const Generate& command, v1::GenerateSpec& spec) {
  if (command.init) {
    const auto name = NameOf(*command.init);
    RETURN_IF_ERROR(WithField("--init", name.status()));
    spec.set_init_picture(*name);
  }
  if (command.mask) {
    const auto name = NameOf(*command.mask);
    RETURN_IF_ERROR(WithField("--mask", name.status()));
    spec.set_mask_picture(*name);
  }
  return absl::OkStatus();
}

void InputPictures::PrintNotUploaded(const std::string& file, const char* unchecked) {
  context_.err << fmt::format("{} was not uploaded (--dry-run): the job is checked without {}\n",
                              Printable(file), unchecked);
}

/// For --dry-run: without files, and without the fields that need them.
void InputPictures::SetNames(const Generate& command, v1::GenerateSpec& spec) {
  if (IsFile(command.init)) {
    spec.clear_denoise();
    PrintNotUploaded(*command.init, "--init, --mask and --denoise");
    return;
  }
  if (command.init) spec.set_init_picture(*command.init);
  if (IsFile(command.mask)) {
    PrintNotUploaded(*command.mask, "--mask");
  } else if (command.mask) {
    spec.set_mask_picture(*command.mask);
  }
}

absl::StatusOr<v1::GenerateSpec> InputPictures::SpecOf(const Generate& command) {
  RETURN_IF_ERROR(WithField("--init", CheckPicture(command.init)));
  RETURN_IF_ERROR(WithField("--mask", CheckPicture(command.mask)));
  v1::GenerateSpec spec = command.spec;
  if (command.dry_run) {
    SetNames(command, spec);
  } else {
    RETURN_IF_ERROR(SetPictures(command, spec));
  }
  return spec;
}

}  // namespace vico::client
