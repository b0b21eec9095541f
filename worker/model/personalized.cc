#include "worker/model/personalized.h"

#include <algorithm>
#include <optional>
#include <utility>

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

// The streams of several adapters, each for its own rows.
class TargetStreams : public TransformerVisitor {
 public:
  explicit TargetStreams(std::vector<TargetRows> rows) : rows_(std::move(rows)) {
    for (TargetRows& some : rows_) {
      if (some.adapter) {
        streams_.emplace_back(TargetStream(some.adapter, some.look, some.features, some.positions));
      } else {
        streams_.emplace_back();
      }
    }
  }

  bool WantsProbabilities(int64_t index) const override {
    return std::any_of(streams_.begin(), streams_.end(), [&](const auto& stream) {
      return stream && stream->WantsProbabilities(index);
    });
  }

  torch::Tensor Visit(int64_t index, const torch::Tensor& tokens,
                      const torch::Tensor& probabilities) override {
    if (!HasSite(index)) return tokens;
    std::vector<torch::Tensor> parts;
    int64_t begin = 0;
    for (size_t i = 0; i < rows_.size(); ++i) {
      const auto cut = [&](const torch::Tensor& y) {
        return y.defined() ? y.narrow(0, begin, rows_[i].count) : y;
      };
      parts.push_back(cut(tokens));
      if (streams_[i]) parts.back() = streams_[i]->Visit(index, parts.back(), cut(probabilities));
      begin += rows_[i].count;
    }
    return at::cat(parts);
  }

  bool IsLast(int64_t /*index*/) const override { return false; }

 private:
  bool HasSite(int64_t index) const {
    return std::any_of(rows_.begin(), rows_.end(), [&](const TargetRows& some) {
      return some.adapter && SiteOf(some.adapter->sites(), index) >= 0;
    });
  }

  std::vector<TargetRows> rows_;                      // the streams refer to them
  std::vector<std::optional<TargetStream>> streams_;  // of rows with an adapter
};

void CheckFeatures(const Adapter& adapter, const std::vector<SiteFeatures>& features) {
  TORCH_CHECK(features.size() == adapter->sites().size(), "reference features of ", features.size(),
              " sites for an adapter with ", adapter->sites().size());
}

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
  CheckFeatures(adapter, features);
  TargetStream stream(adapter, look, features, positions);
  TargetPass pass;
  pass.predicted = unet->forward(latent, timestep, text, &stream);
  pass.seen = stream.Take();
  return pass;
}

torch::Tensor RunTargets(UNet& unet, std::vector<TargetRows> rows, const torch::Tensor& latent,
                         const torch::Tensor& timestep, const torch::Tensor& text) {
  if (rows.size() == 1 && rows.front().adapter) {
    TargetRows& all = rows.front();
    return RunTarget(unet, all.adapter, all.look, all.features, latent, timestep, text,
                     all.positions)
        .predicted;
  }
  int64_t count = 0;
  for (const TargetRows& some : rows) {
    if (some.adapter) CheckFeatures(some.adapter, some.features);
    count += some.count;
  }
  TORCH_CHECK(count == latent.size(0), "looks for ", count, " rows of a batch of ", latent.size(0));
  TargetStreams streams(std::move(rows));
  return unet->forward(latent, timestep, text, &streams);
}

}  // namespace vico::worker
