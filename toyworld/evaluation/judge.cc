#include "toyworld/evaluation/judge.h"

#include <algorithm>

namespace vico::toyworld {
namespace {

constexpr int64_t kAtOnce = 128;  // pictures in one batch, which bounds the memory
constexpr int kHeldOutPairs = 256;

std::vector<int> Best(const torch::Tensor& logits) {  // [B, choices]
  const torch::Tensor best = logits.argmax(1).to(torch::kInt32).contiguous();
  return {best.data_ptr<int>(), best.data_ptr<int>() + best.numel()};
}

void Append(std::vector<int>& all, const std::vector<int>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

Verdicts Judge(Scorer& scorer, const std::vector<cv::Mat>& pictures) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor images = ToImages01(pictures);
  Verdicts verdicts;
  std::vector<torch::Tensor> embeddings, features;
  for (int64_t first = 0; first < images.size(0); first += kAtOnce) {
    const int64_t count = std::min(kAtOnce, images.size(0) - first);
    const Scores scores = scorer(images.narrow(0, first, count));
    Append(verdicts.toy_class, Best(scores.toy_class));
    Append(verdicts.scene, Best(scores.scene));
    Append(verdicts.pattern, Best(scores.pattern));
    const size_t before = verdicts.colours.size();
    verdicts.colours.resize(before + static_cast<size_t>(count));
    for (int paint = 0; paint < kPaintCount; ++paint) {
      const std::vector<int> best = Best(scores.colours.select(1, paint));
      for (size_t i = 0; i < best.size(); ++i) {
        verdicts.colours[before + i][static_cast<size_t>(paint)] = best[i];
      }
    }
    embeddings.push_back(scores.embedding);
    features.push_back(scores.features);
  }
  verdicts.embedding = at::cat(embeddings);
  verdicts.features = at::cat(features);
  return verdicts;
}

torch::Tensor MeanEmbedding(const Verdicts& verdicts) {
  const torch::Tensor mean = verdicts.embedding.mean(0);
  return mean / mean.norm().clamp_min(1e-6);
}

Json HeldOutFigures(Scorer& scorer) {
  const HeldOut found = Examine(scorer, DrawPairs(kScorerHeldOutSeed, kHeldOutPairs, 0));
  Json json;
  for (size_t k = 0; k < kLabelNames.size(); ++k) {
    json[std::string(kLabelNames[k])] = found.accuracy[k];
  }
  json["mask_iou"] = found.mask_iou;
  json["retrieval"] = found.retrieval;
  json["cosine_same_toy"] = found.same_cosine;
  json["cosine_same_class"] = found.class_cosine;
  json["pictures"] = 2 * kHeldOutPairs;
  return json;
}

}  // namespace vico::toyworld
