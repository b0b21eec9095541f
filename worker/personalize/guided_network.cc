#include "worker/personalize/guided_network.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "worker/personalize/reference_features.h"
#include "worker/personalize/to_device.h"

namespace vico::worker {
namespace {

bool ReadsTargetMaps(const GuidedRow& row) {
  return row.looks() && row.personal->dialect == Dialect::kMmagic;
}

bool SharesPass(const GuidedRow& a, const GuidedRow& b) {
  return ReadsTargetMaps(a) == ReadsTargetMaps(b);
}

bool SharesBlocks(const GuidedRow& a, const GuidedRow& b) {
  if (a.looks() != b.looks()) return false;
  return !a.looks() || (a.personal == b.personal && a.mask == b.mask && a.strength == b.strength);
}

}  // namespace

// The rows of one pass. Neighbouring halves share their blocks; each such segment has its
// unconditional halves first.
struct GuidedNetwork::Pass {
  std::vector<HalfRow> halves;
  std::vector<int64_t> latents;   // of each half, the index of its row
  std::vector<int64_t> segments;  // where they begin

  int64_t size() const { return std::ssize(halves); }
  const GuidedRow& RowAt(int64_t half) const { return *halves[static_cast<size_t>(half)].row; }
  int64_t EndOf(size_t segment) const {
    return segment + 1 < segments.size() ? segments[segment + 1] : size();
  }

  void AddSegment(std::span<const GuidedRow> rows, const std::vector<int64_t>& segment) {
    segments.push_back(size());
    for (const int64_t row : segment) {
      if (rows[static_cast<size_t>(row)].prompt->halves() == 2) Add(rows, row, 0);
    }
    for (const int64_t row : segment) {
      Add(rows, row, rows[static_cast<size_t>(row)].prompt->halves() - 1);
    }
  }

  void Add(std::span<const GuidedRow> rows, int64_t row, int64_t half) {
    halves.push_back({.row = &rows[static_cast<size_t>(row)], .half = half});
    latents.push_back(row);
  }
};

int64_t HalvesOf(std::span<const GuidedRow> rows) {
  int64_t halves = 0;
  for (const GuidedRow& row : rows) halves += row.prompt->halves();
  return halves;
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
    Predict(latent, rows, group, predicted);
  }
  return at::cat(predicted);
}

// Rows that share a pass. Fills their entries of `predicted`, [1, C, h, w] each.
void GuidedNetwork::Predict(const torch::Tensor& latent, std::span<const GuidedRow> rows,
                            const std::vector<int64_t>& group,
                            std::vector<torch::Tensor>& predicted) {
  Pass pass;
  std::vector<int64_t> left = group;
  while (!left.empty()) {
    const GuidedRow& first = rows[static_cast<size_t>(left.front())];
    const auto others = std::stable_partition(left.begin(), left.end(), [&](int64_t row) {
      return SharesBlocks(rows[static_cast<size_t>(row)], first);
    });
    pass.AddSegment(rows, {left.begin(), others});
    left.erase(left.begin(), others);
  }
  const auto found = Run(
      latent.index_select(0, ToDevice(at::tensor(pass.latents, at::kLong), base_.device())), pass);
  // A row's unconditional half comes before its conditional one.
  for (int64_t i = 0; i < pass.size(); ++i) {
    auto& result = predicted[static_cast<size_t>(pass.latents[static_cast<size_t>(i)])];
    const auto half = found.narrow(0, i, 1);
    const double scale = pass.RowAt(i).guidance_scale;
    result = result.defined() ? result + scale * (half - result) : half;
  }
}

// The features that each segment attends to, none for one that does not look at a reference.
std::vector<std::vector<SiteFeatures>> GuidedNetwork::FeaturesOf(const Pass& pass) {
  std::vector<std::vector<SiteFeatures>> features(pass.segments.size());
  std::vector<HalfRow> looking;
  for (const HalfRow& half : pass.halves) {
    if (half.row->looks()) looking.push_back(half);
  }
  if (looking.empty()) return features;
  const auto of_halves = ReferenceFeatures(base_, parts_, looking);
  auto next = of_halves.begin();
  for (size_t i = 0; i < features.size(); ++i) {
    if (!pass.RowAt(pass.segments[i]).looks()) continue;
    const int64_t count = pass.EndOf(i) - pass.segments[i];
    features[i] = Joined({next, next + count});
    next += count;
  }
  return features;
}

// The segments in a range of the pass's rows.
std::vector<TargetRows> GuidedNetwork::TargetsOf(
    const Pass& pass, const std::vector<std::vector<SiteFeatures>>& features,
    const TokenPositions& positions, const RowRange& range) {
  std::vector<TargetRows> targets;
  for (size_t i = 0; i < pass.segments.size(); ++i) {
    const int64_t first = pass.segments[i];
    const int64_t begin = std::max(range.begin, first);
    const int64_t count = std::min(range.begin + range.count, pass.EndOf(i)) - begin;
    if (count <= 0) continue;
    TargetRows rows = {.count = count};
    if (const GuidedRow& any = pass.RowAt(first); any.looks()) {
      rows.adapter = any.personal->adapter;
      rows.look = any.look();
      rows.positions = {positions.placeholder.narrow(0, begin, count),
                        positions.end.narrow(0, begin, count)};
      for (const SiteFeatures& site : features[i]) {
        const auto own = [&](const torch::Tensor& y) {
          return y.defined() ? y.narrow(0, begin - first, count) : y;
        };
        rows.features.push_back({own(site.tokens), own(site.placeholder), {}});
      }
    }
    targets.push_back(std::move(rows));
  }
  return targets;
}

// One pass through the U-Net, x [halves, C, h, w] -> [halves, C, h, w] in fp32.
torch::Tensor GuidedNetwork::Run(const torch::Tensor& x, const Pass& pass) {
  const HalfInputs inputs = InputsOf(pass.halves, base_.device());
  const auto features = FeaturesOf(pass);
  std::vector<torch::Tensor> found(static_cast<size_t>(parts_.CountFor(pass.size())));
  parts_.ForEach(pass.size(), [&](int64_t part, const RowRange& range) {
    const auto cut = [&](const torch::Tensor& y) { return y.narrow(0, range.begin, range.count); };
    found[static_cast<size_t>(part)] =
        RunTargets(base_.unet, TargetsOf(pass, features, inputs.positions, range), cut(x),
                   cut(inputs.timestep), cut(inputs.text));
  });
  return at::cat(found).to(at::kFloat);
}

}  // namespace vico::worker
