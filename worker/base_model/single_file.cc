#include "worker/base_model/single_file.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "worker/base_model/compvis_names.h"
#include "worker/base_model/compvis_sizes.h"
#include "worker/base_model/foreign_base.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;

/// The folder with the tokenizer's two files, relative to `files` unless absolute.
absl::StatusOr<std::string> FindTokenizer(const std::string& path, const std::string& wanted,
                                          const BaseFiles& files) {
  std::vector<std::string> folders = {"tokenizer", ""};
  if (!wanted.empty()) folders = {fs::absolute(wanted).string()};
  std::string looked;
  for (const auto& folder : folders) {
    const fs::path place = fs::path(files.Path(folder));
    if (fs::is_regular_file(place / "vocab.json") && fs::is_regular_file(place / "merges.txt")) {
      return folder;
    }
    looked += fmt::format("{}{}", looked.empty() ? "" : " and ", place.string());
  }
  return absl::NotFoundError(
      fmt::format("{}: a single file has no tokenizer, and there are no vocab.json and merges.txt "
                  "in {}; --tokenizer says where they are",
                  path, looked));
}

}  // namespace

absl::StatusOr<BaseModel> OpenSingleFile(const std::string& path,
                                         const std::string& tokenizer_folder, BaseFiles& files) {
  const auto ending = fs::path(path).extension();
  if (ending == ".ckpt" || ending == ".pt" || ending == ".pth" || ending == ".bin") {
    return absl::InvalidArgumentError(
        fmt::format("{}: is a pickle, which is not read: convert it to a .safetensors file, with "
                    "safetensors.torch.save_file on its state_dict",
                    path));
  }
  ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path, kModelHeaderLimit));
  RETURN_IF_ERROR(RefuseForeignCheckpoint(file));
  ASSIGN_OR_RETURN(const CompVisSizes sizes, ReadCompVisSizes(file));
  BaseModel model;
  model.unet = sizes.unet;
  model.vae = sizes.vae;
  model.text = sizes.text;
  model.single_file = path;
  files.Use("checkpoint.safetensors", path);
  ASSIGN_OR_RETURN(const std::string folder, FindTokenizer(path, tokenizer_folder, files));
  ASSIGN_OR_RETURN(TokenizerTexts tokenizer, ReadTokenizer(files, folder));
  model.vocabulary = std::move(tokenizer.vocabulary);
  model.merges = std::move(tokenizer.merges);
  model.pad_token = std::move(tokenizer.pad_token);
  return model;
}

absl::StatusOr<SingleFileTensors> SplitSingleFile(const SafetensorsFile& file,
                                                  const BaseModel& model) {
  const CompVisLayout layout = {
      .unet_layers_per_block = model.unet.layers_per_block,
      .vae_levels = static_cast<int64_t>(model.vae.block_out_channels.size())};
  SingleFileTensors tensors;
  for (auto& tensor : StoredTensors(file)) {
    if (IsIgnoredInCheckpoint(tensor.stored)) continue;
    const auto name = FromCompVis(tensor.stored, layout);
    if (!name) {
      return absl::InvalidArgumentError(
          fmt::format("{}: tensor \"{}\": is no part of Stable Diffusion 1.x's U-Net, autoencoder "
                      "or text encoder",
                      file.source(), tensor.stored));
    }
    tensor.name = CurrentName(name->name);
    auto& part = name->network == Network::kUNet  ? tensors.unet
                 : name->network == Network::kVae ? tensors.vae
                                                  : tensors.text;
    part.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace vico::worker
