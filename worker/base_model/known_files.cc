#include "worker/base_model/known_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/formats/file_signature.h"
#include "common/status.h"
#include "worker/io/file.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kSupported = "supported is Stable Diffusion 1.x for text to image";
constexpr std::string_view kBase =
    "a base model is a folder in diffusers' layout or one .safetensors file of Stable Diffusion "
    "1.x";

constexpr std::string_view kLora = "a LoRA, which only changes a base model";
constexpr std::string_view kMerge =
    "merge it into its base model, for example with diffusers' fuse_lora, and save the result";
constexpr std::string_view kPart = "one network of a base model";
constexpr std::string_view kWhole = "name the folder with model_index.json, or a whole checkpoint";
constexpr std::string_view kInversion = "a textual inversion, one learned word";
constexpr std::string_view kNoInversion = "it cannot be used here; train the concept instead";
constexpr std::string_view kVaeAlone = "an autoencoder (VAE) alone";
constexpr std::string_view kPutVae = "put it into the vae/ folder of a base model";
constexpr std::string_view kControl = "a ControlNet, which only steers a base model";
constexpr std::string_view kGeneratesItself = "name the base model that it was made for";
constexpr std::string_view kOther = "a model of another kind";

enum class At { kStart, kAnywhere };

/// The first row with a tensor that matches names the file. A row without advice is an
/// architecture.
struct Sign {
  At at;
  std::string_view pattern;
  std::string_view what;
  std::string_view advice;
};

/// A checkpoint with one of these is no Stable Diffusion 1.x, whatever else it has.
constexpr Sign kInAnyCheckpoint[] = {
    {At::kStart, "conditioner.embedders.", "Stable Diffusion XL", ""},
    {At::kStart, "model.diffusion_model.label_emb.", "Stable Diffusion XL", ""},
    {At::kStart, "cond_stage_model.model.", "Stable Diffusion 2.x", ""},
    {At::kStart, "model.diffusion_model.joint_blocks.", "Stable Diffusion 3", ""},
    {At::kStart, "text_encoders.", "Stable Diffusion 3 or newer", ""},
    {At::kStart, "model.diffusion_model.double_blocks.", "FLUX", ""},
    {At::kStart, "control_model.", kControl, kGeneratesItself},
    {At::kAnywhere, "motion_modules.", "a model for videos (AnimateDiff)", kGeneratesItself},
};

/// Files without the U-Net of a checkpoint.
constexpr Sign kAlone[] = {
    {At::kStart, "placeholder_embedding", "an adapter of Vico",
     "import it with: vico adapters import"},
    {At::kStart, "lora_unet_", kLora, kMerge},
    {At::kStart, "lora_te", kLora, kMerge},
    {At::kStart, "base_model.model.", kLora, kMerge},
    {At::kAnywhere, ".lora_down.", kLora, kMerge},
    {At::kAnywhere, ".lora_up.", kLora, kMerge},
    {At::kAnywhere, ".lora_A.", kLora, kMerge},
    {At::kAnywhere, ".lora_B.", kLora, kMerge},
    {At::kAnywhere, ".lora.down.", kLora, kMerge},
    {At::kAnywhere, ".lora.up.", kLora, kMerge},
    {At::kAnywhere, "_lora.down.", kLora, kMerge},
    {At::kAnywhere, "_lora.up.", kLora, kMerge},
    {At::kAnywhere, ".lora_linear_layer.", kLora, kMerge},
    {At::kAnywhere, ".hada_w1", "a LoHa, a kind of LoRA", kMerge},
    {At::kAnywhere, ".lokr_w", "a LoKr, a kind of LoRA", kMerge},
    {At::kAnywhere, ".oft_", "an OFT, a kind of LoRA", kMerge},
    {At::kAnywhere, ".dora_scale", "a DoRA, a kind of LoRA", kMerge},
    {At::kStart, "emb_params", kInversion, kNoInversion},
    {At::kStart, "string_to_param", kInversion, kNoInversion},
    {At::kStart, "clip_l", kInversion, kNoInversion},
    {At::kStart, "clip_g", kInversion, kNoInversion},
    {At::kStart, "controlnet_", kControl, kGeneratesItself},
    {At::kStart, "input_hint_block.", kControl, kGeneratesItself},
    {At::kAnywhere, "lllite_", kControl, kGeneratesItself},
    {At::kStart, "adapter.body.", "a T2I adapter, which only steers a base model",
     kGeneratesItself},
    {At::kStart, "image_proj.", "an IP adapter, which only steers a base model", kGeneratesItself},
    {At::kStart, "ip_adapter.", "an IP adapter, which only steers a base model", kGeneratesItself},
    {At::kStart, "joint_blocks.", "Stable Diffusion 3", ""},
    {At::kStart, "double_blocks.", "FLUX", ""},
    {At::kStart, "single_transformer_blocks.", "FLUX", ""},
    {At::kAnywhere, ".attn.add_k_proj.", "Stable Diffusion 3 or FLUX", ""},
    {At::kStart, "double_layers.", "AuraFlow", ""},
    {At::kStart, "adaln_single.", "PixArt", ""},
    {At::kStart, "clip_txt_", "Stable Cascade", ""},
    {At::kStart, "add_embedding.", "the U-Net of Stable Diffusion XL", ""},
    {At::kStart, "encoder.down.", kVaeAlone, kPutVae},
    {At::kStart, "decoder.up.", kVaeAlone, kPutVae},
    {At::kStart, "encoder.down_blocks.", kVaeAlone, kPutVae},
    {At::kStart, "decoder.up_blocks.", kVaeAlone, kPutVae},
    {At::kStart, "quant_conv.", kVaeAlone, kPutVae},
    {At::kStart, "first_stage_model.", "the autoencoder (VAE) of a checkpoint alone", kPutVae},
    {At::kStart, "down_blocks.", kPart, kWhole},
    {At::kStart, "input_blocks.", kPart, kWhole},
    {At::kStart, "unet.", kPart, kWhole},
    {At::kStart, "text_model.", kPart, kWhole},
    {At::kStart, "cond_stage_model.", kPart, kWhole},
    {At::kStart, "vision_model.", "a network that looks at pictures (CLIP)", kWhole},
    {At::kStart, "concept_embeds", "a safety checker", kWhole},
    {At::kAnywhere, ".rdb1.", "a network that enlarges pictures", kGeneratesItself},
    {At::kStart, "model.embed_tokens.", "a language model", kWhole},
    {At::kStart, "lm_head.", "a language model", kWhole},
    {At::kAnywhere, "encoder.block.0.layer.", "a language model (T5)", kWhole},
    {At::kStart, "blocks.", kOther, kWhole},
};

bool Matches(const Sign& sign, std::string_view name) {
  return sign.at == At::kStart ? name.starts_with(sign.pattern)
                               : name.find(sign.pattern) != std::string_view::npos;
}

absl::Status IsOther(std::string_view source, std::string_view what, std::string_view advice) {
  return absl::InvalidArgumentError(
      fmt::format("{}: is {}; {}{}{}", source, what, advice, advice.empty() ? "" : "; ", kBase));
}

template <size_t N>
absl::Status RefuseSigns(const SafetensorsFile& file, const Sign (&signs)[N]) {
  for (const Sign& sign : signs) {
    const auto found =
        std::find_if(file.tensors().begin(), file.tensors().end(),
                     [&](const TensorInfo& tensor) { return Matches(sign, tensor.name); });
    if (found == file.tensors().end()) continue;
    const std::string tensor = fmt::format("tensor \"{}\"", found->name.substr(0, 200));
    if (sign.advice.empty()) return Foreign(file.source(), tensor, sign.what);
    return IsOther(file.source(), fmt::format("{} ({})", sign.what, tensor), sign.advice);
  }
  return absl::OkStatus();
}

/// A few vectors as wide as the embeddings of a text encoder.
bool IsLearnedWord(const SafetensorsFile& file) {
  return !file.tensors().empty() && file.tensors().size() <= 4 &&
         std::all_of(file.tensors().begin(), file.tensors().end(), [](const TensorInfo& tensor) {
           const auto& shape = tensor.shape;
           const int64_t width = shape.empty() ? 0 : shape.back();
           return shape.size() <= 2 && (width == 768 || width == 1024 || width == 1280);
         });
}

/// A protobuf that begins with ir_version and the producer's name or a domain.
bool IsOnnx(std::string_view head, const fs::path& path) {
  return path.extension() == ".onnx" ||
         (head.size() > 8 && head[8] != '{' && head[0] == 0x08 && head[1] > 0 && head[1] < 0x20 &&
          head[2] == 0x12 && head.find("pytorch") != std::string_view::npos);
}

json ReadConfig(const fs::path& path) {
  const auto text = ReadSmallFile(path.string());
  auto config = text.ok() ? json::parse(*text, nullptr, false) : json();
  return config.is_object() ? config : json::object();
}

/// What config.json in a folder without model_index.json says.
std::string WhatConfigMeans(const json& config) {
  const json name = config.value("_class_name", json());
  const json type = config.value("model_type", json());
  if (name.is_string()) {
    const auto text = name.get<std::string>();
    const auto says = [&](std::string_view part) { return text.find(part) != std::string::npos; };
    if (says("ControlNet")) return fmt::format("{}; {}", kControl, kGeneratesItself);
    if (says("Autoencoder")) return fmt::format("{}; {}", kVaeAlone, kPutVae);
    return fmt::format("{} ({}); {}", kPart, text.substr(0, 80), kWhole);
  }
  if (type.is_string()) {
    return fmt::format("a model of transformers ({}); {}", type.get<std::string>().substr(0, 80),
                       kWhole);
  }
  return "";
}

std::string WhatFolderIs(const fs::path& root) {
  const auto has = [&](const char* name) { return fs::exists(root / name); };
  if (has("adapter_config.json") || has("pytorch_lora_weights.safetensors") ||
      has("pytorch_lora_weights.bin")) {
    return fmt::format("{}; {}", kLora, kMerge);
  }
  if (has("learned_embeds.safetensors") || has("learned_embeds.bin")) {
    return fmt::format("{}; {}", kInversion, kNoInversion);
  }
  if (has("snapshots") && has("refs")) {
    return "a folder of the Hugging Face cache; name the folder below its snapshots/";
  }
  if (has("config.json")) {
    if (auto what = WhatConfigMeans(ReadConfig(root / "config.json")); !what.empty()) return what;
  }
  std::vector<std::string> weights;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    if (entry.path().extension() == ".safetensors") weights.push_back(entry.path().string());
  }
  if (weights.size() == 1) return fmt::format("a folder with one file; name {}", weights.front());
  return "";
}

}  // namespace

absl::Status Foreign(std::string_view source, std::string_view found, std::string_view what) {
  return absl::InvalidArgumentError(
      fmt::format("{}: {} is {}; {}", source, found, what, kSupported));
}

std::string_view WhatInputsMean(int64_t in_channels) {
  switch (in_channels) {
    case 5:
      return "a model for depth to image";
    case 7:
      return "a model for enlarging";
    case 8:
      return "a model for editing by instruction";
    case 9:
      return "a model for inpainting";
    default:
      return "another model";
  }
}

absl::Status RefuseOtherFile(const std::string& path, Pickles pickles) {
  const fs::path name(path);
  for (const char* ending : {".part", ".crdownload", ".aria2", ".download", ".incomplete"}) {
    if (name.extension() == ending) {
      return IsOther(path, "an unfinished download",
                     "wait until it is complete, or start it again");
    }
  }
  std::string head(kSignatureBytes, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::OkStatus();  // the reader says why it cannot be opened
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(file.gcount()));
  if (head.empty()) return IsOther(path, "an empty file", "download or copy it again");
  if (IsOnnx(head, name)) return IsOther(path, "an ONNX model", "take its weights for PyTorch");

  const FileType* type = FindFileType(head);
  const auto ending = name.extension();
  const bool archive = ending == ".ckpt" || ending == ".pt" || ending == ".pth" || ending == ".bin";
  const bool pickle =
      type != nullptr && (type->name == "a Python pickle" || type->name == "a PyTorch checkpoint");
  const bool nothing_else = type == nullptr || type->kind == FileKind::kArchive;
  if (pickle || (archive && nothing_else)) {
    if (pickles == Pickles::kAllowed) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("{}: is a pickle, which is not read: convert it to a .safetensors file, with "
                    "safetensors.torch.save_file on its state_dict",
                    path));
  }
  if (type == nullptr || type->name == "a safetensors file") return absl::OkStatus();
  if (type->kind == FileKind::kText && type->advice.empty()) {
    // Archives have a reader that says more about it.
    if (pickles == Pickles::kAllowed) return absl::OkStatus();
    return IsOther(path, type->name, "it may be an error message in place of the download");
  }
  if (type->kind == FileKind::kModel) {
    return IsOther(path, type->name, "take the model's .safetensors file");
  }
  return IsOther(path, type->name, type->advice);
}

absl::Status RefuseOtherFolder(const std::string& path) {
  const std::string what = WhatFolderIs(path);
  return absl::NotFoundError(
      fmt::format("{}: is missing; {}{}{}", (fs::path(path) / "model_index.json").string(),
                  what.empty() ? "" : "the folder is ", what,
                  what.empty() ? "a base model is a folder with it, or one .safetensors file"
                               : "; a base model is a folder with model_index.json, or one "
                                 ".safetensors file"));
}

absl::Status RefuseForeignCheckpoint(const SafetensorsFile& file) {
  RETURN_IF_ERROR(RefuseSigns(file, kInAnyCheckpoint));
  const bool has_unet = std::any_of(
      file.tensors().begin(), file.tensors().end(),
      [](const TensorInfo& tensor) { return tensor.name.starts_with("model.diffusion_model."); });
  if (!has_unet) {
    RETURN_IF_ERROR(RefuseSigns(file, kAlone));
    if (IsLearnedWord(file)) return IsOther(file.source(), kInversion, kNoInversion);
    const std::string names = file.tensors().empty()
                                  ? "it has no tensors"
                                  : fmt::format("its tensors are named as \"{}\"",
                                                file.tensors().front().name.substr(0, 200));
    return IsOther(file.source(), "no checkpoint of Stable Diffusion 1.x", names);
  }
  const TensorInfo* input = file.Find("model.diffusion_model.input_blocks.0.0.weight");
  if (input != nullptr && input->shape.size() == 4 && input->shape[1] != 4) {
    return Foreign(
        file.source(),
        fmt::format("tensor \"{}\" with {} input channels", input->name, input->shape[1]),
        WhatInputsMean(input->shape[1]));
  }
  return absl::OkStatus();
}

}  // namespace vico::worker
