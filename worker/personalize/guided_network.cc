#include "worker/personalize/guided_network.h"

#include <algorithm>
#include <utility>

#include "worker/personalize/to_device.h"

namespace vico::worker {
namespace {

// The site with `change` applied to its tokens and, if defined, the placeholder's map. The end
// token's map is left out: only training reads it.
template <typename Change>
SiteFeatures Changed(const SiteFeatures& site, const Change& change) {
  SiteFeatures changed = {change(site.tokens), {}, {}};
  if (site.placeholder.defined()) changed.placeholder = change(site.placeholder);
  return changed;
}

// The features of several parts as one batch.
std::vector<SiteFeatures> Joined(const std::vector<std::vector<SiteFeatures>>& parts) {
  std::vector<SiteFeatures> joined;
  for (size_t site = 0; site < parts.front().size(); ++site) {
    std::vector<torch::Tensor> tokens, placeholder;
    for (const auto& part : parts) {
      tokens.push_back(part[site].tokens);
      if (part[site].placeholder.defined()) placeholder.push_back(part[site].placeholder);
    }
    SiteFeatures features = {at::cat(tokens), {}, {}};
    if (!placeholder.empty()) features.placeholder = at::cat(placeholder);
    joined.push_back(std::move(features));
  }
  return joined;
}

Look LookOf(const GuidedRow& row) {
  if (row.personal == nullptr) return {};
  return {.dialect = row.personal->dialect, .mask = row.mask, .strength = row.strength};
}

bool SharesPass(const GuidedRow& a, const GuidedRow& b) {
  return a.personal == b.personal && a.mask == b.mask && a.strength == b.strength;
}

// Text and positions of the given halves: [B, L, D] and [B].
template <typename Halves>
GuidedPrompt TextOf(std::span<const GuidedRow> rows, const Halves& halves) {
  std::vector<torch::Tensor> text, placeholder, end;
  for (const auto& half : halves) {
    const GuidedPrompt& prompt = *rows[static_cast<size_t>(half.row)].prompt;
    text.push_back(prompt.text.narrow(0, half.half, 1));
    placeholder.push_back(prompt.positions.placeholder.narrow(0, half.half, 1));
    end.push_back(prompt.positions.end.narrow(0, half.half, 1));
  }
  return {at::cat(text), {at::cat(placeholder), at::cat(end)}, {}};
}

// Equal for rows whose features of the reference are equal: they depend on the text and on the
// place of the map's column, which mmagic's dialect does not read, and not on mask and strength.
std::string FeaturesKey(const GuidedRow& row, int64_t half) {
  const auto ids = row.prompt->ids[half].contiguous();
  const bool maps = row.personal->dialect == Dialect::kPaper;
  const int64_t column = maps ? row.prompt->positions.placeholder[half].item<int64_t>() : -1;
  std::string key = row.personal->name;
  const auto append = [&](const void* bytes, size_t count) {
    key.append(static_cast<const char*>(bytes), count);
  };
  append(ids.data_ptr(), ids.nbytes());
  append(&column, sizeof column);
  append(&row.timestep, sizeof row.timestep);
  return key;
}

}  // namespace

GuidedPrompt EncodeGuidedPrompt(Base& base, Personalization* personal, const std::string& prompt,
                                const std::string& negative_prompt, const std::string& placeholder,
                                double guidance_scale) {
  const at::NoGradGuard no_grad;
  torch::Tensor embedding;
  if (personal != nullptr) embedding = personal->adapter->placeholder();
  const auto conditional = base.EncodePrompts({prompt}, placeholder);
  GuidedPrompt encoded = {base.TextStates(conditional, embedding), conditional.positions,
                          conditional.ids};
  if (guidance_scale == 1.0) return encoded;
  const auto unconditional = base.EncodePrompts({negative_prompt}, placeholder);
  encoded.text = at::cat({base.TextStates(unconditional, embedding), encoded.text});
  encoded.ids = at::cat({unconditional.ids, encoded.ids});
  // Both halves read the maps at the conditional prompt's positions.
  encoded.positions = {encoded.positions.placeholder.repeat({2}),
                       encoded.positions.end.repeat({2})};
  return encoded;
}

GuidedNetwork::GuidedNetwork(Base& base, int64_t most_rows)
    : base_(base), parts_(most_rows, base.threads, base.device()) {}

torch::Tensor GuidedNetwork::operator()(const torch::Tensor& latent,
                                        std::span<const GuidedRow> rows) {
  TORCH_CHECK(latent.size(0) == static_cast<int64_t>(rows.size()), "latents of ", latent.size(0),
              " pictures for ", rows.size(), " rows");
  std::vector<torch::Tensor> predicted(rows.size());
  for (size_t first = 0; first < rows.size(); ++first) {
    if (predicted[first].defined()) continue;  // in the pass of an earlier row
    std::vector<int64_t> group;
    for (size_t i = first; i < rows.size(); ++i) {
      if (SharesPass(rows[i], rows[first])) group.push_back(static_cast<int64_t>(i));
    }
    PredictGroup(latent, rows, group, predicted);
  }
  return at::cat(predicted);
}

// Rows that share a pass. Fills their entries of `predicted`, [1, C, h, w] each.
void GuidedNetwork::PredictGroup(const torch::Tensor& latent, std::span<const GuidedRow> rows,
                                 const std::vector<int64_t>& group,
                                 std::vector<torch::Tensor>& predicted) {
  const auto is_guided = [&](int64_t row) {
    return rows[static_cast<size_t>(row)].prompt->halves() == 2;
  };
  std::vector<HalfRow> halves;
  for (const int64_t row : group) {
    if (is_guided(row)) halves.push_back({.row = row, .half = 0});
  }
  const auto guided = static_cast<int64_t>(halves.size());
  for (const int64_t row : group) halves.push_back({.row = row, .half = is_guided(row) ? 1 : 0});

  const auto found = RunHalves(latent, rows, std::move(halves));
  int64_t next_unconditional = 0;
  int64_t next_conditional = guided;
  for (const int64_t row : group) {
    const auto conditional = found.narrow(0, next_conditional++, 1);
    auto& result = predicted[static_cast<size_t>(row)];
    if (!is_guided(row)) {
      result = conditional;
      continue;
    }
    const auto unconditional = found.narrow(0, next_unconditional++, 1);
    const double scale = rows[static_cast<size_t>(row)].guidance_scale;
    result = unconditional + scale * (conditional - unconditional);
  }
}

// One pass through the U-Net -> [halves, C, h, w] in fp32.
torch::Tensor GuidedNetwork::RunHalves(const torch::Tensor& latent, std::span<const GuidedRow> rows,
                                       std::vector<HalfRow> halves) {
  const GuidedRow& any = rows[static_cast<size_t>(halves.front().row)];
  const Look look = LookOf(any);
  const auto index = [&](const std::vector<int64_t>& indices) {
    return ToDevice(at::tensor(indices, at::kLong), base_.device());
  };
  const bool looks = any.personal != nullptr && any.strength != 0;
  std::vector<SiteFeatures> features;
  if (looks) {
    features = References(rows, look, halves);
    std::vector<int64_t> references;
    references.reserve(halves.size());
    for (const HalfRow& half : halves) references.push_back(half.features);
    const auto reference_of = index(references);
    for (SiteFeatures& site : features) {
      site = Changed(site, [&](const torch::Tensor& y) { return y.index_select(0, reference_of); });
    }
  }

  std::vector<int64_t> latents;
  latents.reserve(halves.size());
  for (const HalfRow& half : halves) latents.push_back(half.row);
  const auto x = latent.index_select(0, index(latents));
  const GuidedPrompt prompt = TextOf(rows, halves);
  const auto times = Times(rows, halves);

  std::vector<torch::Tensor> found(static_cast<size_t>(parts_.CountFor(x.size(0))));
  parts_.ForEach(x.size(0), [&](int64_t part, const RowRange& range) {
    const auto cut = [&](const torch::Tensor& y) { return y.narrow(0, range.begin, range.count); };
    auto& predicted = found[static_cast<size_t>(part)];
    if (!looks) {
      predicted = base_.unet(cut(x), cut(times), cut(prompt.text));
      return;
    }
    std::vector<SiteFeatures> seen;
    seen.reserve(features.size());
    for (const auto& site : features) seen.push_back(Changed(site, cut));
    const TokenPositions positions = {cut(prompt.positions.placeholder), cut(prompt.positions.end)};
    predicted = RunTarget(base_.unet, any.personal->adapter, look, seen, cut(x), cut(times),
                          cut(prompt.text), positions)
                    .predicted;
  });
  return at::cat(found).to(at::kFloat);
}

// The reference's features for each distinct half, prompt and timestep, and in `halves` the index
// of each row's own.
std::vector<SiteFeatures> GuidedNetwork::References(std::span<const GuidedRow> rows,
                                                    const Look& look,
                                                    std::vector<HalfRow>& halves) {
  std::vector<HalfRow> distinct;
  for (HalfRow& half : halves) {
    const GuidedRow& row = rows[static_cast<size_t>(half.row)];
    const auto same = std::find_if(distinct.begin(), distinct.end(), [&](const HalfRow& other) {
      const GuidedRow& its = rows[static_cast<size_t>(other.row)];
      return other.half == half.half && its.prompt == row.prompt && its.timestep == row.timestep;
    });
    half.features = same - distinct.begin();
    if (same == distinct.end()) distinct.push_back(half);
  }
  if (rows[static_cast<size_t>(halves.front().row)].personal->cache != nullptr) {
    return CachedReferences(rows, look, distinct);
  }
  const auto count = static_cast<int64_t>(distinct.size());
  std::vector<std::vector<SiteFeatures>> found(static_cast<size_t>(parts_.CountFor(count)));
  parts_.ForEach(count, [&](int64_t part, const RowRange& range) {
    const auto first = distinct.begin() + range.begin;
    found[static_cast<size_t>(part)] = ReadReference(rows, look, {first, first + range.count});
  });
  return Joined(found);
}

// One pass of the reference, a row for each half.
std::vector<SiteFeatures> GuidedNetwork::ReadReference(std::span<const GuidedRow> rows,
                                                       const Look& look,
                                                       const std::vector<HalfRow>& halves) {
  const Personalization& personal = *rows[static_cast<size_t>(halves.front().row)].personal;
  const GuidedPrompt prompt = TextOf(rows, halves);
  const auto count = static_cast<int64_t>(halves.size());
  return RunReference(base_.unet, personal.adapter->sites(),
                      personal.reference.expand({count, -1, -1, -1}), Times(rows, halves),
                      prompt.text, look.ReferencePositions(prompt.positions));
}

// Each half has a pass of its own, so that its bits do not depend on what else is in the cache.
std::vector<SiteFeatures> GuidedNetwork::CachedReferences(std::span<const GuidedRow> rows,
                                                          const Look& look,
                                                          const std::vector<HalfRow>& halves) {
  ReferenceCache& cache = *rows[static_cast<size_t>(halves.front().row)].personal->cache;
  std::vector<std::vector<SiteFeatures>> found(halves.size());
  std::vector<std::string> keys(halves.size());
  std::vector<size_t> missing;
  for (size_t i = 0; i < halves.size(); ++i) {
    keys[i] = FeaturesKey(rows[static_cast<size_t>(halves[i].row)], halves[i].half);
    if (const auto* kept = cache.Find(keys[i])) {
      found[i] = *kept;
    } else {
      missing.push_back(i);
    }
  }
  parts_.ForEach(static_cast<int64_t>(missing.size()), [&](int64_t, const RowRange& range) {
    for (int64_t j = range.begin; j < range.begin + range.count; ++j) {
      const size_t i = missing[static_cast<size_t>(j)];
      found[i] = ReadReference(rows, look, {halves[i]});
    }
  });
  for (const size_t i : missing) cache.Put(keys[i], found[i]);
  return Joined(found);
}

torch::Tensor GuidedNetwork::Times(std::span<const GuidedRow> rows,
                                   const std::vector<HalfRow>& halves) const {
  std::vector<float> times;
  times.reserve(halves.size());
  for (const HalfRow& half : halves) {
    times.push_back(static_cast<float>(rows[static_cast<size_t>(half.row)].timestep));
  }
  return ToDevice(at::tensor(times, at::kFloat), base_.device());
}

}  // namespace vico::worker
