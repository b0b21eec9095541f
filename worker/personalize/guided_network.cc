// Both halves of the guidance and the reference's features; see the header for the source.
#include "worker/personalize/guided_network.h"

namespace vico::worker {
namespace {

// The features with `change` made to every tensor they have but the end token's, which nobody reads
// where nothing is trained.
template <typename Change>
SiteFeatures Changed(const SiteFeatures& site, const Change& change) {
  SiteFeatures changed = {change(site.tokens), {}, {}};
  if (site.placeholder.defined()) changed.placeholder = change(site.placeholder);
  return changed;
}

}  // namespace

GuidedNetwork::GuidedNetwork(Base& base, Personalization* personal, const GenerateOptions& options)
    : base_(base), personal_(personal), options_(options) {
  const at::NoGradGuard no_grad;
  guided_ = options.guidance_scale != 1.0;
  const auto conditional = base.EncodePrompts({options.prompt}, options.placeholder);
  positions_ = conditional.positions;
  torch::Tensor placeholder;
  if (personal != nullptr) {
    placeholder = personal->adapter->placeholder();
    look_ = {.dialect = personal->dialect, .mask = options.mask};
  }
  text_ = base.TextStates(conditional, placeholder);
  if (guided_) {
    const auto unconditional = base.EncodePrompts({options.negative_prompt}, options.placeholder);
    text_ = at::cat({base.TextStates(unconditional, placeholder), text_});
    positions_ = {positions_.placeholder.repeat({2}), positions_.end.repeat({2})};
  }
  const auto pictures = static_cast<int64_t>(options.seeds.size());
  parts_.emplace(text_.size(0) * pictures, base.threads, base.device());
}

torch::Tensor GuidedNetwork::operator()(const torch::Tensor& latent, double timestep) {
  const int64_t pictures = latent.size(0);
  const auto x = latent.repeat({text_.size(0), 1, 1, 1});  // [halves N, C, h, w]
  const auto text = text_.repeat_interleave(pictures, 0);  // [halves N, L, D]
  const auto placeholders = positions_.placeholder.repeat_interleave(pictures, 0);
  const auto ends = positions_.end.repeat_interleave(pictures, 0);
  std::vector<SiteFeatures> features;
  if (personal_ != nullptr) features = Reference(timestep, pictures);

  std::vector<torch::Tensor> found(static_cast<size_t>(parts_->CountFor(x.size(0))));
  parts_->ForEach(x.size(0), [&](int64_t part, const RowRange& rows) {
    const auto cut = [&](const torch::Tensor& y) { return y.narrow(0, rows.begin, rows.count); };
    auto& predicted = found[static_cast<size_t>(part)];
    if (personal_ == nullptr) {
      predicted = base_.unet(cut(x), Times(rows.count, timestep), cut(text));
      return;
    }
    std::vector<SiteFeatures> seen;
    for (const auto& site : features) seen.push_back(Changed(site, cut));
    predicted = RunTarget(base_.unet, personal_->adapter, look_, seen, cut(x),
                          Times(rows.count, timestep), cut(text), {cut(placeholders), cut(ends)})
                    .predicted;
  });
  const auto predicted = at::cat(found).to(at::kFloat);
  if (!guided_) return predicted;
  const auto both = predicted.chunk(2, 0);  // unconditional, conditional
  return both[0] + options_.guidance_scale * (both[1] - both[0]);
}

torch::Tensor GuidedNetwork::Times(int64_t rows, double timestep) const {
  return at::full({rows}, timestep, at::TensorOptions(at::kFloat).device(base_.device()));
}

// The reference's features, once a half, repeated for its pictures.
std::vector<SiteFeatures> GuidedNetwork::Reference(double timestep, int64_t pictures) {
  const int64_t halves = text_.size(0);
  std::vector<std::vector<SiteFeatures>> found(static_cast<size_t>(parts_->CountFor(halves)));
  parts_->ForEach(halves, [&](int64_t part, const RowRange& rows) {
    const auto cut = [&](const torch::Tensor& y) { return y.narrow(0, rows.begin, rows.count); };
    found[static_cast<size_t>(part)] = RunReference(
        base_.unet, personal_->adapter->sites(),
        personal_->reference.expand({rows.count, -1, -1, -1}), Times(rows.count, timestep),
        cut(text_), look_.ReferencePositions({cut(positions_.placeholder), cut(positions_.end)}));
  });
  std::vector<SiteFeatures> joined;
  for (size_t site = 0; site < found[0].size(); ++site) {
    std::vector<torch::Tensor> tokens, placeholder;
    for (const auto& part : found) {
      tokens.push_back(part[site].tokens);
      if (part[site].placeholder.defined()) placeholder.push_back(part[site].placeholder);
    }
    SiteFeatures features = {at::cat(tokens), {}, {}};
    if (!placeholder.empty()) features.placeholder = at::cat(placeholder);
    joined.push_back(Changed(
        features, [&](const torch::Tensor& x) { return x.repeat_interleave(pictures, 0); }));
  }
  return joined;
}

}  // namespace vico::worker
