#include "worker/io/base_model.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/sha256.h"
#include "common/status.h"
#include "worker/io/base_config.h"
#include "worker/io/base_description.h"
#include "worker/io/config_reader.h"
#include "worker/io/file.h"
#include "worker/io/schedule_config.h"
#include "worker/io/tensors.h"

namespace vico {
namespace {

namespace fs = std::filesystem;

/// Reads files below one directory and remembers which, for the digest.
class Directory {
 public:
  explicit Directory(fs::path root) : root_(std::move(root)) {}

  std::string Path(const std::string& name) const { return (root_ / name).string(); }
  bool Has(const std::string& name) const { return fs::is_regular_file(root_ / name); }
  std::string FolderName() const {
    return fs::absolute(root_).lexically_normal().parent_path().filename().string();
  }

  absl::StatusOr<std::string> Read(const std::string& name) {
    used_.push_back(name);
    return ReadSmallFile(Path(name));
  }

  /// "<folder>/<stem>.safetensors", or its half-precision variant.
  absl::StatusOr<std::string> FindWeights(const std::string& folder, const std::string& stem) {
    for (const char* ending : {".safetensors", ".fp16.safetensors"}) {
      const std::string name = folder + "/" + stem + ending;
      if (!Has(name)) continue;
      used_.push_back(name);
      return Path(name);
    }
    return absl::NotFoundError(fmt::format(
        "{}.safetensors: there is neither this file nor its fp16 variant{}",
        Path(folder + "/" + stem),
        Has(folder + "/" + stem + ".bin") || Has(folder + "/pytorch_model.bin")
            ? "; .bin files hold pickled code and are not read: convert them to safetensors"
            : ""));
  }

  absl::StatusOr<std::string> Digest() {
    std::sort(used_.begin(), used_.end());
    std::string lines;
    for (const auto& name : used_) {
      ASSIGN_OR_RETURN(const std::string hash, FileSha256(Path(name)));
      lines += fmt::format("{}  {}\n", hash, name);
    }
    return Sha256Hex(lines);
  }

 private:
  fs::path root_;
  std::vector<std::string> used_;
};

/// model_index.json must describe Stable Diffusion's pipeline; its other entries do not matter.
absl::Status CheckIndex(const Directory& directory) {
  const std::string path = directory.Path("model_index.json");
  ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  ConfigReader reader(text, path);
  std::string name;
  reader.Text("_class_name", name, ConfigReader::Presence::kRequired);
  reader.Only("_class_name", "StableDiffusionPipeline");
  return reader.status();
}

/// "pad_token" of tokenizer_config.json, else of special_tokens_map.json, else the end token.
absl::StatusOr<std::string> ReadPadToken(Directory& directory) {
  for (const char* name :
       {"tokenizer/tokenizer_config.json", "tokenizer/special_tokens_map.json"}) {
    if (!directory.Has(name)) continue;
    ASSIGN_OR_RETURN(const std::string text, directory.Read(name));
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) {
      return absl::InvalidArgumentError(directory.Path(name) + ": is not a JSON object");
    }
    auto pad = json.value("pad_token", nlohmann::json());
    if (pad.is_object()) pad = pad.value("content", nlohmann::json());
    if (pad.is_string()) return pad.get<std::string>();
  }
  return "<|endoftext|>";
}

absl::Status CheckFit(const Directory& directory, const BaseModel& model,
                      const Tokenizer& tokenizer) {
  const auto refuse = [&](const char* what, int64_t a, int64_t b) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} must be equal, found {} and {}", directory.Path(""), what, a, b));
  };
  if (model.text.vocab_size != tokenizer.vocab_size()) {
    return refuse("text_encoder's vocab_size and the size of tokenizer/vocab.json",
                  model.text.vocab_size, tokenizer.vocab_size());
  }
  if (model.text.hidden_size != model.unet.cross_attention_dim) {
    return refuse("text_encoder's hidden_size and unet's cross_attention_dim",
                  model.text.hidden_size, model.unet.cross_attention_dim);
  }
  if (model.vae.latent_channels != model.unet.in_channels) {
    return refuse("vae's latent_channels and unet's in_channels", model.vae.latent_channels,
                  model.unet.in_channels);
  }
  if (model.unet.out_channels != model.unet.in_channels) {
    return refuse("unet's out_channels and in_channels", model.unet.out_channels,
                  model.unet.in_channels);
  }
  return absl::OkStatus();
}

absl::Status LoadOne(torch::nn::Module& network, const std::string& path, torch::ScalarType dtype) {
  ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path, kModelHeaderLimit));
  network.to(dtype);
  RETURN_IF_ERROR(LoadParameters(network, file));
  network.eval();
  for (auto& parameter : network.parameters()) parameter.set_requires_grad(false);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BaseModel> OpenBaseModel(const std::string& path) {
  Directory directory(fs::path(path) / "");
  RETURN_IF_ERROR(CheckIndex(directory));
  BaseModel model;
  ASSIGN_OR_RETURN(std::string text, directory.Read("unet/config.json"));
  ASSIGN_OR_RETURN(model.unet, ParseUNetConfig(text, directory.Path("unet/config.json")));
  ASSIGN_OR_RETURN(text, directory.Read("vae/config.json"));
  ASSIGN_OR_RETURN(model.vae, ParseVaeConfig(text, directory.Path("vae/config.json")));
  ASSIGN_OR_RETURN(text, directory.Read("text_encoder/config.json"));
  ASSIGN_OR_RETURN(model.text,
                   ParseClipTextConfig(text, directory.Path("text_encoder/config.json")));
  const char* schedule = "scheduler/scheduler_config.json";
  ASSIGN_OR_RETURN(text, directory.Read(schedule));
  ASSIGN_OR_RETURN(ScheduleFile read, ParseScheduleConfig(text, directory.Path(schedule)));
  model.schedule = std::move(read.config);
  model.warnings = std::move(read.warnings);

  ASSIGN_OR_RETURN(model.vocabulary, directory.Read("tokenizer/vocab.json"));
  ASSIGN_OR_RETURN(model.merges, directory.Read("tokenizer/merges.txt"));
  ASSIGN_OR_RETURN(model.pad_token, ReadPadToken(directory));
  const auto tokenizer = MakeTokenizer(model);
  if (!tokenizer.ok()) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", directory.Path("tokenizer"),
                                                  std::string(tokenizer.status().message())));
  }
  RETURN_IF_ERROR(CheckFit(directory, model, *tokenizer));

  const std::string stem = "diffusion_pytorch_model";
  ASSIGN_OR_RETURN(model.unet_weights, directory.FindWeights("unet", stem));
  ASSIGN_OR_RETURN(model.vae_weights, directory.FindWeights("vae", stem));
  ASSIGN_OR_RETURN(model.text_weights, directory.FindWeights("text_encoder", "model"));

  model.description = DefaultDescription(directory.FolderName(), model.unet, model.vae, model.text);
  if (directory.Has("vico.json")) {
    ASSIGN_OR_RETURN(text, ReadSmallFile(directory.Path("vico.json")));
    ASSIGN_OR_RETURN(model.description,
                     ApplyDescription(model.description, text, directory.Path("vico.json")));
  }
  ASSIGN_OR_RETURN(const std::string digest, directory.Digest());
  model.description.set_digest(digest);
  return model;
}

absl::StatusOr<Tokenizer> MakeTokenizer(const BaseModel& model) {
  return Tokenizer::Create(model.vocabulary, model.merges, model.pad_token);
}

absl::StatusOr<BaseNetworks> LoadNetworks(const BaseModel& model, torch::ScalarType dtype) {
  try {
    BaseNetworks networks;
    networks.text = ClipText(model.text);
    RETURN_IF_ERROR(LoadOne(*networks.text, model.text_weights, dtype));
    networks.vae = Vae(model.vae);
    RETURN_IF_ERROR(LoadOne(*networks.vae, model.vae_weights, dtype));
    networks.unet = UNet(model.unet);
    RETURN_IF_ERROR(LoadOne(*networks.unet, model.unet_weights, dtype));
    return networks;
  } catch (const c10::Error& error) {  // sizes that do not fit together
    return absl::InvalidArgumentError(
        fmt::format("{}: {}", model.description.name(), error.what_without_backtrace()));
  }
}

absl::Status WriteBaseModel(const std::string& path, const BaseModel& model,
                            const BaseNetworks& networks, torch::ScalarType dtype) {
  const fs::path root(path);
  for (const char* folder : {"tokenizer", "text_encoder", "unet", "vae", "scheduler"}) {
    std::error_code error;
    fs::create_directories(root / folder, error);
    if (error) {
      return absl::FailedPreconditionError(
          fmt::format("{}: {}", (root / folder).string(), error.message()));
    }
  }
  const nlohmann::json index = {{"_class_name", "StableDiffusionPipeline"},
                                {"scheduler", {"diffusers", "DDIMScheduler"}},
                                {"text_encoder", {"transformers", "CLIPTextModel"}},
                                {"tokenizer", {"transformers", "CLIPTokenizer"}},
                                {"unet", {"diffusers", "UNet2DConditionModel"}},
                                {"vae", {"diffusers", "AutoencoderKL"}}};
  const nlohmann::json tokenizer = {{"tokenizer_class", "CLIPTokenizer"},
                                    {"bos_token", "<|startoftext|>"},
                                    {"eos_token", "<|endoftext|>"},
                                    {"unk_token", "<|endoftext|>"},
                                    {"pad_token", model.pad_token},
                                    {"model_max_length", model.text.max_position_embeddings}};
  const std::map<std::string, std::string> files = {
      {"model_index.json", index.dump(2)},
      {"vico.json", DescriptionJson(model.description)},
      {"unet/config.json", UNetConfigJson(model.unet)},
      {"vae/config.json", VaeConfigJson(model.vae)},
      {"text_encoder/config.json", ClipTextConfigJson(model.text)},
      {"scheduler/scheduler_config.json", ScheduleConfigJson(model.schedule)},
      {"tokenizer/vocab.json", model.vocabulary},
      {"tokenizer/merges.txt", model.merges},
      {"tokenizer/tokenizer_config.json", tokenizer.dump(2)}};
  for (const auto& [name, bytes] : files) {
    RETURN_IF_ERROR(WriteSmallFile((root / name).string(), bytes));
  }
  const Metadata metadata = {{"format", "pt"}};
  RETURN_IF_ERROR(SaveParameters(*networks.unet,
                                 (root / "unet/diffusion_pytorch_model.safetensors").string(),
                                 dtype, metadata));
  RETURN_IF_ERROR(SaveParameters(
      *networks.vae, (root / "vae/diffusion_pytorch_model.safetensors").string(), dtype, metadata));
  return SaveParameters(*networks.text, (root / "text_encoder/model.safetensors").string(), dtype,
                        metadata);
}

}  // namespace vico
