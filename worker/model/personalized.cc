// Reference and target stream as visitors of the U-Net; see the header for the source.
#include "worker/model/personalized.h"

#include <algorithm>

namespace vico {
namespace {

// Position of `index` in ascending `sites`, or -1.
int64_t SiteOf(const std::vector<int64_t>& sites, int64_t index) {
  const auto found = std::lower_bound(sites.begin(), sites.end(), index);
  return found != sites.end() && *found == index ? found - sites.begin() : -1;
}

class ReferenceStream : public TransformerVisitor {
 public:
  ReferenceStream(const std::vector<int64_t>& sites, const TokenPositions& positions)
      : sites_(sites), positions_(positions) {}

  bool WantsProbabilities(int64_t index) const override { return SiteOf(sites_, index) >= 0; }

  torch::Tensor Visit(int64_t index, const torch::Tensor& tokens,
                      const torch::Tensor& probabilities) override {
    if (SiteOf(sites_, index) >= 0) {
      const auto mean = probabilities.mean(1);  // [B, N, L]
      const auto column = [&](const torch::Tensor& position) {
        const auto at = position.view({-1, 1, 1}).expand({-1, mean.size(1), 1});
        return mean.gather(2, at).squeeze(2);  // [B, N]
      };
      features_.push_back({tokens, column(positions_.placeholder), column(positions_.end)});
    }
    return tokens;
  }

  bool IsLast(int64_t index) const override { return index == sites_.back(); }

  std::vector<SiteFeatures> Take() { return std::move(features_); }

 private:
  const std::vector<int64_t>& sites_;
  const TokenPositions& positions_;
  std::vector<SiteFeatures> features_;
};

class TargetStream : public TransformerVisitor {
 public:
  TargetStream(Adapter& adapter, const std::vector<SiteFeatures>& features, KeyMask mask)
      : adapter_(adapter), features_(features), mask_(mask) {}

  bool WantsProbabilities(int64_t /*index*/) const override { return false; }

  torch::Tensor Visit(int64_t index, const torch::Tensor& tokens,
                      const torch::Tensor& /*probabilities*/) override {
    const int64_t site = SiteOf(adapter_->sites(), index);
    if (site < 0) return tokens;
    const SiteFeatures& reference = features_.at(static_cast<size_t>(site));
    torch::Tensor visible;  // [B, 1, 1, N]
    if (mask_ == KeyMask::kOtsu) {
      visible = OtsuMask(reference.placeholder).unsqueeze(1).unsqueeze(1);
    }
    auto& block = adapter_->block(static_cast<size_t>(site));
    return block(tokens.to(at::kFloat), reference.tokens.to(at::kFloat), visible)
        .to(tokens.scalar_type());
  }

  bool IsLast(int64_t /*index*/) const override { return false; }

 private:
  Adapter& adapter_;
  const std::vector<SiteFeatures>& features_;
  KeyMask mask_;
};

}  // namespace

std::vector<SiteFeatures> RunReference(UNet& unet, const std::vector<int64_t>& sites,
                                       const torch::Tensor& latent, const torch::Tensor& timestep,
                                       const torch::Tensor& text, const TokenPositions& positions) {
  TORCH_CHECK(!sites.empty(), "no image-attention sites");
  ReferenceStream stream(sites, positions);
  unet->forward(latent, timestep, text, &stream);
  return stream.Take();
}

torch::Tensor RunTarget(UNet& unet, Adapter& adapter, const std::vector<SiteFeatures>& features,
                        KeyMask mask, const torch::Tensor& latent, const torch::Tensor& timestep,
                        const torch::Tensor& text) {
  TORCH_CHECK(features.size() == adapter->sites().size(), "reference features of ", features.size(),
              " sites for an adapter with ", adapter->sites().size());
  TargetStream stream(adapter, features, mask);
  return unet->forward(latent, timestep, text, &stream);
}

}  // namespace vico
