#include "worker/base_model/shape_digest.h"

#include <nlohmann/json.hpp>

#include "common/crypto/sha256.h"

namespace vico::worker {

std::string ShapeDigest(int64_t text_width, int64_t latent_channels,
                        const std::vector<TransformerSite>& transformers) {
  nlohmann::json shape = {{"text_width", text_width}, {"latent_channels", latent_channels}};
  shape["transformers"] = nlohmann::json::array();
  for (const TransformerSite& site : transformers) {
    shape["transformers"].push_back(
        {{"name", site.name}, {"width", site.channels}, {"heads", site.heads}});
  }
  return Sha256Hex(shape.dump());  // keys are sorted, nothing between them
}

}  // namespace vico::worker
