#include "worker/base_model/single_file.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "worker/base_model/known_files.h"
#include "worker/base_model/tokenizer_files.h"
#include "worker/compvis/compvis_names.h"
#include "worker/compvis/compvis_sizes.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;

/// The folder with the tokenizer's files, relative to `files` unless absolute.
absl::StatusOr<std::string> FindTokenizer(const std::string& path, const std::string& wanted,
                                          const BaseFiles& files) {
  std::vector<std::string> folders = {"tokenizer", ""};
  if (!wanted.empty()) folders = {fs::absolute(wanted).string()};
  std::string looked;
  for (const auto& folder : folders) {
    if (HasTokenizer(files, folder)) return folder;
    looked += fmt::format("{}{}", looked.empty() ? "" : " and ", files.Path(folder));
  }
  return absl::NotFoundError(
      fmt::format("{}: a single file has no tokenizer, and there are no vocab.json and merges.txt "
                  "in {}, and no tokenizer.json; --tokenizer says where they are",
                  path, looked));
}

}  // namespace

absl::StatusOr<BaseModel> OpenSingleFile(const std::string& path,
                                         const std::string& tokenizer_folder, BaseFiles& files) {
  RETURN_IF_ERROR(RefuseOtherFile(path));
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
  RETURN_IF_ERROR(ReadTokenizer(files, folder, model));
  return model;
}

absl::StatusOr<SingleFileTensors> SplitSingleFile(const SafetensorsFile& file,
                                                  const BaseModel& model) {
  const CompVisLayout layout = {
      .unet_layers_per_block = model.unet.layers_per_block,
      .vae_levels = static_cast<int64_t>(model.vae.block_out_channels.size())};
  SingleFileTensors tensors;
  for (auto& tensor : StoredTensors(file)) {
    const auto in_network = WithoutPrefix(tensor.stored);
    if (!in_network || IsLeftover(*in_network)) {
      tensors.ignored.Add(tensor.stored);
      continue;
    }
    if (tensor.stored.ends_with("scale_weight") || tensor.stored.ends_with("weight_scale")) {
      return absl::InvalidArgumentError(
          fmt::format("{}: tensor \"{}\": is a scale of weights of 8 bits, which are read without "
                      "scales only; take the file with 16 or 32 bits",
                      file.source(), tensor.stored));
    }
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
