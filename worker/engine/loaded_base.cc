#include "worker/engine/loaded_base.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "worker/base_model/base_model.h"

namespace vico::worker {

AdapterTarget LoadedBase::adapter_target() const {
  return {.base_model_digest = offer.base_model.digest(),
          .embedding_size = base.text->config().hidden_size,
          .transformers = base.unet->transformers()};
}

absl::StatusOr<LoadedBase> LoadBase(const std::string& path, const std::string& tokenizer_folder,
                                    const torch::Device& device, int threads,
                                    torch::ScalarType dtype) {
  ASSIGN_OR_RETURN(BaseModel model, OpenBaseModel(path, tokenizer_folder));
  ASSIGN_OR_RETURN(Tokenizer tokenizer, MakeTokenizer(model));
  ASSIGN_OR_RETURN(BaseNetworks networks, LoadNetworks(model));
  for (const auto& transformer : networks.unet->transformers()) {
    model.description.add_transformers(transformer.name);
  }
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
  return LoadedBase{.offer = {.base_model = std::move(model.description),
                              .vocabulary = std::move(model.vocabulary),
                              .merges = std::move(model.merges)},
                    .base = {.text = std::move(networks.text),
                             .vae = std::move(networks.vae),
                             .unet = std::move(networks.unet),
                             .schedule = Schedule(model.schedule),
                             .tokenizer = std::move(tokenizer),
                             .threads = threads},
                    .warnings = std::move(model.warnings)};
}

}  // namespace vico::worker
