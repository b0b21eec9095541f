#include "worker/engine/loaded_base.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/schedulers.h"
#include "common/status.h"
#include "worker/base_model/base_model.h"
#include "worker/base_model/shape_digest.h"
#include "worker/model/finite.h"

namespace vico::worker {

AdapterTarget LoadedBase::adapter_target() const {
  return {.embedding_size = base.text->config().hidden_size,
          .transformers = base.unet->transformers()};
}

absl::Status LoadedBase::CheckScheduler(const std::string& scheduler) const {
  const UnsupportedField* field = FirstFollowedBy(unsupported, scheduler);
  if (field == nullptr) return absl::OkStatus();
  std::vector<std::string_view> others;
  for (const std::string_view name : kSchedulerNames) {
    if (FirstFollowedBy(unsupported, name) == nullptr) others.push_back(name);
  }
  return Error(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("generate.scheduler: {} follows a setting of the base model that is not "
                  "supported: {}; {}",
                  scheduler, field->text,
                  others.empty() ? std::string("no scheduler can draw with this base model")
                                 : fmt::format("choose {}", fmt::join(others, ", "))),
      "SCHEDULER_UNSUPPORTED");
}

namespace {

/// bf16 has the range of fp32 but fewer digits, so that the largest numbers round to infinity.
absl::Status CheckConverted(const torch::nn::Module& network, const char* name,
                            const std::string& path, torch::ScalarType dtype) {
  if (dtype == torch::kFloat32) return absl::OkStatus();
  for (const auto& item : network.named_parameters()) {
    if (IsFinite(item.value())) continue;
    return absl::InvalidArgumentError(fmt::format("{}: {}: tensor \"{}\": is not finite as {}",
                                                  path, name, item.key(), torch::toString(dtype)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoadedBase> LoadBase(const std::string& path, const std::string& tokenizer_folder,
                                    const torch::Device& device, int threads,
                                    torch::ScalarType dtype) {
  ASSIGN_OR_RETURN(BaseModel model, OpenBaseModel(path, tokenizer_folder));
  ASSIGN_OR_RETURN(Tokenizer tokenizer, MakeTokenizer(model));
  ASSIGN_OR_RETURN(BaseNetworks networks, LoadNetworks(model));
  for (const auto& transformer : networks.unet->transformers()) {
    model.description.add_transformers(transformer.name);
  }
  model.description.set_shape_digest(ShapeDigest(networks.text->config().hidden_size,
                                                 networks.unet->config().in_channels,
                                                 networks.unet->transformers()));
  const auto& names = model.description.transformers();
  for (const std::string& site : model.description.training_defaults().sites()) {
    if (std::find(names.begin(), names.end(), site) == names.end()) {
      return absl::InvalidArgumentError(fmt::format(
          "{}: vico.json: training_defaults: sites: the U-Net has no transformer {}", path, site));
    }
  }
  networks.text->to(device);
  networks.vae->to(device, dtype);
  networks.unet->to(device, dtype);
  RETURN_IF_ERROR(CheckConverted(*networks.vae, "vae", path, dtype));
  RETURN_IF_ERROR(CheckConverted(*networks.unet, "unet", path, dtype));
  return LoadedBase{.offer = {.base_model = std::move(model.description),
                              .vocabulary = std::move(model.vocabulary),
                              .merges = std::move(model.merges),
                              .added_tokens = std::move(model.added_tokens)},
                    .base = {.text = std::move(networks.text),
                             .vae = std::move(networks.vae),
                             .unet = std::move(networks.unet),
                             .schedule = Schedule(model.schedule).On(device),
                             .tokenizer = std::move(tokenizer),
                             .threads = threads},
                    .unsupported = std::move(model.unsupported),
                    .warnings = std::move(model.warnings),
                    .notes = std::move(networks.notes),
                    .scorer = std::move(model.scorer)};
}

}  // namespace vico::worker
