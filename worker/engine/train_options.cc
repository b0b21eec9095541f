#include "worker/engine/train_options.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::worker {
namespace {

BlockStart StartOf(const v1::TrainSpec& spec) {
  switch (spec.block_start()) {
    case v1::BLOCK_START_ZERO:
      return BlockStart::kZero;
    case v1::BLOCK_START_SELF_ATTENTION:
      return BlockStart::kSelfAttention;
    default:
      return BlockStart::kDefault;
  }
}

/// Indices of the transformers that the spec names, ascending; without any, the dialect's.
absl::StatusOr<std::vector<int64_t>> SitesOf(const Base& base, const v1::TrainSpec& spec) {
  if (spec.sites().empty()) return base.sites(DialectOf(spec));
  const auto& transformers = base.unet->transformers();
  std::vector<int64_t> sites;
  for (const std::string& name : spec.sites()) {
    const auto found = std::find_if(transformers.begin(), transformers.end(),
                                    [&](const TransformerSite& t) { return t.name == name; });
    if (found == transformers.end()) {
      return FieldError("train.sites", fmt::format("the base model has no transformer {}", name));
    }
    sites.push_back(found - transformers.begin());
  }
  std::sort(sites.begin(), sites.end());
  return sites;
}

/// The dialect's sites depend on the U-Net's blocks, and mmagic reads the second head of each.
absl::Status CheckDialect(const Base& base, Dialect dialect, const std::vector<int64_t>& sites) {
  if (sites.empty()) {
    return FieldError("train.dialect", "has no site for image attention in this base model");
  }
  for (const int64_t site : sites) {
    const auto& transformer = base.unet->transformers()[static_cast<size_t>(site)];
    if (dialect == Dialect::kMmagic && transformer.heads < 2) {
      return FieldError("train.dialect", fmt::format("mmagic's needs 2 heads or more at {}, got {}",
                                                     transformer.name, transformer.heads));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Dialect DialectOf(const v1::TrainSpec& spec) {
  return spec.dialect() == v1::DIALECT_MMAGIC ? Dialect::kMmagic : Dialect::kPaper;
}

Fit FitOf(const v1::TrainSpec& spec) {
  switch (spec.resize()) {
    case v1::RESIZE_CROP:
      return Fit::kCrop;
    case v1::RESIZE_PAD:
      return Fit::kPad;
    default:
      return Fit::kSqueeze;
  }
}

int64_t DevicesOf(const Base& base, const v1::TrainSpec& spec) {
  const auto available = static_cast<int64_t>(1 + base.replicas.size());
  return std::max<int64_t>(
      1, std::min({int64_t{spec.devices()}, int64_t{spec.batch_size()}, available}));
}

absl::StatusOr<TrainOptions> TrainOptionsOf(const Base& base, const v1::TrainSpec& spec) {
  TrainOptions options;
  options.dialect = DialectOf(spec);
  ASSIGN_OR_RETURN(options.sites, SitesOf(base, spec));
  RETURN_IF_ERROR(CheckDialect(base, options.dialect, options.sites));
  options.steps = spec.steps();
  options.batch_size = spec.batch_size();
  options.devices = DevicesOf(base, spec);
  options.embedding_learning_rate = spec.embedding_learning_rate();
  options.attention_learning_rate = spec.attention_learning_rate();
  options.regularizer_weight = spec.regularizer_weight();
  options.mask = spec.mask() ? KeyMask::kOtsu : KeyMask::kNone;
  options.min_snr_gamma = spec.min_snr_gamma();
  options.start = StartOf(spec);
  options.cosine_rates = spec.learning_rate_schedule() == v1::LEARNING_RATE_SCHEDULE_COSINE;
  options.init_word = spec.init_word();
  options.seed = spec.seed();
  return options;
}

}  // namespace vico::worker
