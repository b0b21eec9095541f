// How the scorer learns: pairs of pictures of one toy, what is said of them, and the loss.
#pragma once

#include <array>
#include <cstdint>

#include "toyworld/scorer.h"

namespace vico::toyworld {

/// P toys, two pictures each: rows i and P + i show the same toy in two scenes and poses.
struct PairBatch {
  torch::Tensor image01;  ///< [2P, 3, 64, 64]
  torch::Tensor labels;   ///< [2P, 6] int64: class, scene, colours 1 and 2, pattern, accessory
};

/// Toys come in groups of four of one class, so that the embedding must tell them apart; `pairs`
/// is a multiple of 4. `hard` is the share of pictures posed as captions may ask (dark, cropped,
/// tiny ...).
PairBatch DrawPairs(uint64_t seed, int pairs, double hard);

/// Softens and disturbs pictures at random, as a small autoencoder would: scaled down and up,
/// blurred, noise.
torch::Tensor Disturb(const torch::Tensor& image01, uint64_t seed);

/// Sum of six cross-entropies and of InfoNCE over the pairs (temperature 0.1, both directions).
torch::Tensor ScorerLoss(const Scores& scores, const torch::Tensor& labels);

struct HeldOut {
  std::array<double, 6> accuracy = {};  ///< in the order of PairBatch::labels
  double retrieval = 0;     ///< share of toys whose other picture is the nearest of all P
  double same_cosine = 0;   ///< mean embedding cosine of the two pictures of one toy
  double class_cosine = 0;  ///< of different toys of one class
};

/// Figures over a batch the scorer has not seen.
HeldOut Examine(Scorer& scorer, const PairBatch& batch);

}  // namespace vico::toyworld
