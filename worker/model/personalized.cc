#include "worker/model/personalized.h"

#include <algorithm>

namespace vico::worker {
namespace {

// Position of `index` in ascending `sites`, or -1.
int64_t SiteOf(const std::vector<int64_t>& sites, int64_t index) {
  const auto found = std::lower_bound(sites.begin(), sites.end(), index);
  return found != sites.end() && *found == index ? found - sites.begin() : -1;
}

// map [B, N, L] -> [B, N], the column of each row's position [B].
torch::Tensor Column(const torch::Tensor& map, const torch::Tensor& position) {
  const auto at = position.view({-1, 1, 1}).expand({-1, map.size(1), 1});
  return map.gather(2, at).squeeze(2);
}

class ReferenceStream : public TransformerVisitor {
 public:
  ReferenceStream(const std::vector<int64_t>& sites, const TokenPositions& positions)
      : sites_(sites), positions_(positions) {}

  bool WantsProbabilities(int64_t index) const override {
    return positions_.placeholder.defined() && SiteOf(sites_, index) >= 0;
  }

  torch::Tensor Visit(int64_t index, const torch::Tensor& tokens,
                      const torch::Tensor& probabilities) override {
    if (SiteOf(sites_, index) < 0) return tokens;
    SiteFeatures site = {tokens, {}, {}};
    if (probabilities.defined()) {
      const auto mean = probabilities.mean(1);  // [B, N, L]
      site.placeholder = Column(mean, positions_.placeholder);
      site.end = Column(mean, positions_.end);
    }
    features_.push_back(site);
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
  TargetStream(Adapter& adapter, const Look& look, const std::vector<SiteFeatures>& features,
               const TokenPositions& positions)
      : adapter_(adapter), look_(look), features_(features), positions_(positions) {}

  bool WantsProbabilities(int64_t index) const override {
    return look_.dialect == Dialect::kMmagic && SiteOf(adapter_->sites(), index) >= 0;
  }

  torch::Tensor Visit(int64_t index, const torch::Tensor& tokens,
                      const torch::Tensor& probabilities) override {
    const int64_t site = SiteOf(adapter_->sites(), index);
    if (site < 0) return tokens;
    SiteFeatures seen = features_.at(static_cast<size_t>(site));
    if (look_.dialect == Dialect::kMmagic) {
      const auto map = MmagicAttention(probabilities, look_.pictures_per_call);
      seen.placeholder = Column(map, positions_.placeholder);
      seen.end = Column(map, positions_.end);
    }
    auto& block = adapter_->block(static_cast<size_t>(site));
    const auto input = tokens.to(at::kFloat);
    const auto looked = Weighted(input, block(input, seen.tokens.to(at::kFloat), MaskOf(seen)));
    seen_.push_back(std::move(seen));
    return looked.to(tokens.scalar_type());
  }

  bool IsLast(int64_t /*index*/) const override { return false; }

  std::vector<SiteFeatures> Take() { return std::move(seen_); }

 private:
  // The block's residual connections are within it, so that what it adds is output minus input.
  torch::Tensor Weighted(const torch::Tensor& input, const torch::Tensor& output) const {
    return look_.strength == 1 ? output : input + look_.strength * (output - input);
  }

  // [B, 1, 1, N], or undefined
  torch::Tensor MaskOf(const SiteFeatures& seen) const {
    if (look_.mask == KeyMask::kNone) return {};
    const auto mask = look_.dialect == Dialect::kPaper ? OtsuMask(seen.placeholder)
                                                       : AdditiveOtsuMask(seen.placeholder);
    return mask.unsqueeze(1).unsqueeze(1);
  }

  Adapter& adapter_;
  const Look& look_;
  const std::vector<SiteFeatures>& features_;
  const TokenPositions& positions_;
  std::vector<SiteFeatures> seen_;
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

TargetPass RunTarget(UNet& unet, Adapter& adapter, const Look& look,
                     const std::vector<SiteFeatures>& features, const torch::Tensor& latent,
                     const torch::Tensor& timestep, const torch::Tensor& text,
                     const TokenPositions& positions) {
  TORCH_CHECK(features.size() == adapter->sites().size(), "reference features of ", features.size(),
              " sites for an adapter with ", adapter->sites().size());
  TargetStream stream(adapter, look, features, positions);
  TargetPass pass;
  pass.predicted = unet->forward(latent, timestep, text, &stream);
  pass.seen = stream.Take();
  return pass;
}

}  // namespace vico::worker
