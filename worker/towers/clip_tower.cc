#include "worker/towers/clip_tower.h"

#include <filesystem>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "common/status.h"
#include "worker/base_model/tokenizer_files.h"
#include "worker/io/file.h"
#include "worker/model/uninitialized.h"
#include "worker/towers/tower_files.h"

namespace vico::worker {
namespace {

constexpr int64_t kOldEosTokenId = 2;

/// The tensors of each network.
struct ClipTensors {
  std::vector<StoredTensor> text, vision, projections;
};

ClipTensors Split(const std::vector<StoredTensor>& tensors) {
  ClipTensors parts;
  for (const auto& tensor : tensors) {
    // A buffer that older versions of transformers save, and the temperature of the training.
    if (tensor.name == "vision_model.embeddings.position_ids" || tensor.name == "logit_scale") {
      continue;
    }
    const bool text = tensor.name.starts_with("text_model.");
    const bool vision = tensor.name.starts_with("vision_model.");
    (text ? parts.text : vision ? parts.vision : parts.projections).push_back(tensor);
  }
  return parts;
}

absl::StatusOr<Tokenizer> ReadClipTokenizer(const std::string& directory,
                                            const ClipTextConfig& config) {
  BaseFiles files(directory);
  BaseModel model;  // ReadTokenizer() fills in its texts
  model.text = config;
  RETURN_IF_ERROR(ReadTokenizer(files, "", model));
  auto tokenizer = MakeTokenizer(model);
  if (!tokenizer.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {}", directory, ToStd(tokenizer.status().message())));
  }
  return tokenizer;
}

absl::Status CheckTokenizer(const std::string& path, const ClipConfig& config,
                            const Tokenizer& tokenizer) {
  if (config.text.vocab_size < tokenizer.vocab_size()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: vocab_size: must be at least the tokenizer's {}, found {}", path,
                    tokenizer.vocab_size(), config.text.vocab_size));
  }
  if (config.eos_token_id != tokenizer.end_id() && config.eos_token_id != kOldEosTokenId) {
    return absl::InvalidArgumentError(
        fmt::format("{}: eos_token_id: must be the tokenizer's {} or {}, found {}", path,
                    tokenizer.end_id(), kOldEosTokenId, config.eos_token_id));
  }
  return absl::OkStatus();
}

torch::Tensor Normalised(const torch::Tensor& rows) {
  return rows / rows.norm(2, -1, /*keepdim=*/true);
}

}  // namespace

ClipProjectionsImpl::ClipProjectionsImpl(const ClipConfig& config) {
  const auto plain = [&](int64_t width) {
    return torch::nn::Linear(torch::nn::LinearOptions(width, config.projection_dim).bias(false));
  };
  visual_projection = register_module("visual_projection", plain(config.vision.hidden_size));
  text_projection = register_module("text_projection", plain(config.text.hidden_size));
}

ClipTower::ClipTower(const ClipConfig& config, PictureConfig pictures, Tokenizer tokenizer)
    : config_(config),
      pictures_(std::move(pictures)),
      tokenizer_(std::move(tokenizer)),
      text_(config_.text),
      vision_(config_.vision, ClipVisionLayout()),
      projections_(config_) {}

absl::StatusOr<std::unique_ptr<ClipTower>> ClipTower::Load(const std::string& directory) {
  const std::string path = (std::filesystem::path(directory) / "config.json").string();
  ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  ASSIGN_OR_RETURN(const ClipConfig config, ParseClipConfig(text, path));
  ASSIGN_OR_RETURN(PictureConfig pictures,
                   ReadPictureConfig(directory, PictureProcessor::kClip, config.vision.image_size));
  ASSIGN_OR_RETURN(Tokenizer tokenizer, ReadClipTokenizer(directory, config.text));
  RETURN_IF_ERROR(CheckTokenizer(path, config, tokenizer));
  ASSIGN_OR_RETURN(const TowerWeights file, OpenTowerWeights(directory));
  const ClipTensors tensors = Split(file.weights.tensors);
  try {
    std::unique_ptr<ClipTower> tower;
    {
      const UninitializedParameters every_one_is_loaded;
      tower.reset(new ClipTower(config, std::move(pictures), std::move(tokenizer)));
    }
    RETURN_IF_ERROR(LoadTower(*tower->text_, tensors.text, file.source));
    RETURN_IF_ERROR(LoadTower(*tower->vision_, tensors.vision, file.source));
    RETURN_IF_ERROR(LoadTower(*tower->projections_, tensors.projections, file.source));
    return tower;
  } catch (const c10::Error& error) {  // for example no memory for such sizes
    return absl::InvalidArgumentError(fmt::format("{}: {}", path, error.what_without_backtrace()));
  }
}

torch::Tensor ClipTower::Ids(const std::vector<std::string>& texts) const {
  const auto length = static_cast<int>(config_.text.max_position_embeddings);
  std::vector<int64_t> ids;
  for (const auto& text : texts) {
    const Prompt prompt = tokenizer_.EncodePrompt(text, "", length);
    ids.insert(ids.end(), prompt.ids.begin(), prompt.ids.end());
  }
  return torch::tensor(ids, torch::kInt64).view({-1, length});
}

torch::Tensor ClipTower::ImageEmbedding(const torch::Tensor& pictures) {
  const torch::NoGradGuard no_grad;
  return Normalised(projections_->visual_projection(vision_(pictures)));
}

torch::Tensor ClipTower::TextEmbedding(const torch::Tensor& ids) {
  const torch::NoGradGuard no_grad;
  const auto states = text_->forward(ids);  // [B, L, D]
  torch::Tensor end;                        // [B]
  if (config_.eos_token_id == kOldEosTokenId) {
    end = ids.argmax(-1);
  } else {
    const auto found = ids.eq(config_.eos_token_id);
    TORCH_CHECK(found.any(-1).all().item<bool>(), "CLIP: a text without an end token");
    end = found.to(at::kInt).argmax(-1);  // the first one
  }
  const auto index = end.view({-1, 1, 1}).expand({-1, 1, states.size(2)});
  return Normalised(projections_->text_projection(states.gather(1, index).squeeze(1)));
}

}  // namespace vico::worker
