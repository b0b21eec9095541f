#include "worker/base_model/base_model.h"

#include <filesystem>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/status.h"
#include "worker/base_model/base_config.h"
#include "worker/base_model/base_description.h"
#include "worker/base_model/base_files.h"
#include "worker/base_model/config_reader.h"
#include "worker/base_model/foreign_base.h"
#include "worker/base_model/known_files.h"
#include "worker/base_model/leftovers.h"
#include "worker/base_model/schedule_config.h"
#include "worker/base_model/single_file.h"
#include "worker/base_model/tokenizer_files.h"
#include "worker/io/file.h"
#include "worker/io/tensors.h"
#include "worker/model/uninitialized.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;

/// Checks that model_index.json describes Stable Diffusion's pipeline. Ignores its other entries.
absl::Status CheckIndex(const BaseFiles& files) {
  const std::string path = files.Path("model_index.json");
  if (!files.Has("model_index.json")) return RefuseOtherFolder(files.Path(""));
  ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  ConfigReader reader(text, path);
  std::string name;
  reader.Text("_class_name", name, ConfigReader::Presence::kRequired);
  RETURN_IF_ERROR(reader.status());
  return RefuseForeignIndex(text, path);
}

absl::Status CheckFit(const std::string& source, const BaseModel& model,
                      const Tokenizer& tokenizer) {
  const auto refuse = [&](const char* what, int64_t a, int64_t b) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} must be equal, found {} and {}", source, what, a, b));
  };
  // A text encoder may have more rows: some are padded to a multiple of 64.
  if (model.text.vocab_size < tokenizer.vocab_size()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: the text encoder has {} rows (vocab_size), and the tokenizer {} tokens; it "
        "must have a row for each",
        source, model.text.vocab_size, tokenizer.vocab_size()));
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

absl::StatusOr<BaseModel> OpenDirectory(BaseFiles& files) {
  RETURN_IF_ERROR(CheckIndex(files));
  BaseModel model;
  ASSIGN_OR_RETURN(std::string text, files.Read("unet/config.json"));
  RETURN_IF_ERROR(RefuseForeignUNet(text, files.Path("unet/config.json")));
  ASSIGN_OR_RETURN(model.unet, ParseUNetConfig(text, files.Path("unet/config.json")));
  ASSIGN_OR_RETURN(text, files.Read("vae/config.json"));
  ASSIGN_OR_RETURN(model.vae, ParseVaeConfig(text, files.Path("vae/config.json")));
  ASSIGN_OR_RETURN(text, files.Read("text_encoder/config.json"));
  RETURN_IF_ERROR(RefuseForeignTextEncoder(text, files.Path("text_encoder/config.json")));
  ASSIGN_OR_RETURN(model.text, ParseClipTextConfig(text, files.Path("text_encoder/config.json")));
  const char* schedule = "scheduler/scheduler_config.json";
  ASSIGN_OR_RETURN(text, files.Read(schedule));
  ASSIGN_OR_RETURN(ScheduleFile read, ParseScheduleConfig(text, files.Path(schedule)));
  model.schedule = std::move(read.config);
  model.unsupported = std::move(read.unsupported);
  model.warnings = std::move(read.warnings);
  RETURN_IF_ERROR(ReadTokenizer(files, "tokenizer", model));

  const std::string stem = "diffusion_pytorch_model";
  ASSIGN_OR_RETURN(model.unet_weights, files.FindWeights("unet", stem));
  ASSIGN_OR_RETURN(model.vae_weights, files.FindWeights("vae", stem));
  ASSIGN_OR_RETURN(model.text_weights, files.FindWeights("text_encoder", "model"));
  for (const WeightFiles* weights :
       {&model.unet_weights, &model.vae_weights, &model.text_weights}) {
    for (const std::string& path : weights->paths) {
      RETURN_IF_ERROR(RefuseOtherFile(
          path, fs::path(path).extension() == ".bin" ? Pickles::kAllowed : Pickles::kRefused));
    }
  }
  return model;
}

/// Checks what both layouts share and fills in the description. `vico_json` is a name in `files`.
absl::Status Complete(const BaseFiles& files, const std::string& source, const std::string& name,
                      const std::string& vico_json, BaseModel& model) {
  const auto tokenizer = MakeTokenizer(model);
  if (!tokenizer.ok()) {
    return absl::InvalidArgumentError(fmt::format("{}: {}",
                                                  (fs::path(source) / "tokenizer").string(),
                                                  std::string(tokenizer.status().message())));
  }
  RETURN_IF_ERROR(CheckFit(source, model, *tokenizer));
  model.description = DefaultDescription(name, model.unet, model.vae, model.text);
  if (files.Has(vico_json)) {
    const std::string path = files.Path(vico_json);
    ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
    ASSIGN_OR_RETURN(BaseDescription described, ApplyDescription(model.description, text, path));
    model.description = std::move(described.base_model);
    if (!described.scorer.empty()) {
      model.scorer = (fs::path(path).parent_path() / described.scorer).string();
    }
  }
  ASSIGN_OR_RETURN(const std::string digest, files.Digest());
  model.description.set_digest(digest);
  return absl::OkStatus();
}

template <typename Module, typename Config>
absl::StatusOr<Module> LoadOne(const Config& config, torch::ScalarType dtype,
                               const std::vector<StoredTensor>& tensors,
                               const std::string& source) {
  Module network{nullptr};
  {
    const UninitializedParameters every_one_is_loaded;
    network = Module(config);
  }
  for (auto& parameter : network->parameters()) {
    parameter.set_requires_grad(false);
    if (parameter.scalar_type() != dtype) {
      parameter.set_data(torch::empty(parameter.sizes(), torch::dtype(dtype)));
    }
  }
  RETURN_IF_ERROR(LoadParameters(*network, tensors, source));
  network->eval();
  return network;
}

template <typename Module, typename Config>
absl::StatusOr<Module> LoadOne(const Config& config, torch::ScalarType dtype,
                               const WeightFiles& files, std::vector<std::string>& notes) {
  ASSIGN_OR_RETURN(Weights weights, OpenWeights(files));
  IgnoredTensors ignored;
  RemoveLeftovers(weights.tensors, ignored);
  if (auto note = ignored.Text(files.source()); !note.empty()) notes.push_back(std::move(note));
  return LoadOne<Module>(config, dtype, weights.tensors, files.source());
}

absl::StatusOr<BaseNetworks> LoadSingleFile(const BaseModel& model, torch::ScalarType dtype) {
  const std::string& path = model.single_file;
  ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path, kModelHeaderLimit));
  ASSIGN_OR_RETURN(const SingleFileTensors tensors, SplitSingleFile(file, model));
  BaseNetworks networks;
  if (auto note = tensors.ignored.Text(path); !note.empty()) networks.notes = {std::move(note)};
  ASSIGN_OR_RETURN(networks.text, LoadOne<ClipText>(model.text, dtype, tensors.text, path));
  ASSIGN_OR_RETURN(networks.vae, LoadOne<Vae>(model.vae, dtype, tensors.vae, path));
  ASSIGN_OR_RETURN(networks.unet, LoadOne<UNet>(model.unet, dtype, tensors.unet, path));
  return networks;
}

}  // namespace

absl::StatusOr<BaseModel> OpenBaseModel(const std::string& path, const std::string& tokenizer) {
  if (fs::is_directory(path)) {
    BaseFiles files(fs::path(path) / "");
    ASSIGN_OR_RETURN(BaseModel model, OpenDirectory(files));
    RETURN_IF_ERROR(Complete(files, path, files.FolderName(), "vico.json", model));
    return model;
  }
  if (!fs::is_regular_file(path)) {
    return absl::NotFoundError(fmt::format("{}: is neither a folder nor a file", path));
  }
  BaseFiles files(fs::path(path).parent_path());
  const std::string stem = fs::path(path).stem().string();
  ASSIGN_OR_RETURN(BaseModel model, OpenSingleFile(path, tokenizer, files));
  RETURN_IF_ERROR(Complete(files, path, stem, stem + ".vico.json", model));
  return model;
}

absl::StatusOr<Tokenizer> MakeTokenizer(const BaseModel& model) {
  return Tokenizer::Create(model.vocabulary, model.merges, model.pad_token, model.added_tokens);
}

absl::StatusOr<BaseNetworks> LoadNetworks(const BaseModel& model, torch::ScalarType dtype) {
  try {
    if (!model.single_file.empty()) return LoadSingleFile(model, dtype);
    BaseNetworks networks;
    auto& notes = networks.notes;
    ASSIGN_OR_RETURN(networks.text,
                     LoadOne<ClipText>(model.text, dtype, model.text_weights, notes));
    ASSIGN_OR_RETURN(networks.vae, LoadOne<Vae>(model.vae, dtype, model.vae_weights, notes));
    ASSIGN_OR_RETURN(networks.unet, LoadOne<UNet>(model.unet, dtype, model.unet_weights, notes));
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
  std::map<std::string, std::string> files = {
      {"model_index.json", index.dump(2)},
      {"vico.json", DescriptionJson({model.description, model.scorer})},
      {"unet/config.json", UNetConfigJson(model.unet)},
      {"vae/config.json", VaeConfigJson(model.vae)},
      {"text_encoder/config.json", ClipTextConfigJson(model.text)},
      {"scheduler/scheduler_config.json", ScheduleConfigJson(model.schedule)},
      {"tokenizer/vocab.json", model.vocabulary},
      {"tokenizer/merges.txt", model.merges},
      {"tokenizer/tokenizer_config.json", tokenizer.dump(2)}};
  if (!model.added_tokens.empty()) {
    files.emplace("tokenizer/added_tokens.json", model.added_tokens);
  }
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

}  // namespace vico::worker
