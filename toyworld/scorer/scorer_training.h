// The scorer's training: pairs of pictures of one toy, their labels, and the loss.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "toyworld/scorer/scorer.h"

namespace vico::toyworld {

/// Columns of the labels.
enum Label {
  kLabelClass,
  kLabelScene,
  kLabelColour1,
  kLabelColour2,
  kLabelColour3,
  kLabelPattern,
  kLabelAccessory
};
constexpr int kLabelCount = 7;
extern const std::array<std::string_view, kLabelCount> kLabelNames;
/// Label of a colour that the picture does not show.
constexpr int64_t kNotShown = -1;

/// P toys, two pictures each: rows i and P + i show the same toy in two scenes and poses.
struct PairBatch {
  torch::Tensor image01;  ///< [2P, 3, 64, 64]
  torch::Tensor labels;   ///< [2P, 7] int64, columns as Label
  torch::Tensor parts;    ///< [2P, 5, 32, 32], targets of Scores::parts

  PairBatch On(const torch::Device& device) const;
};

/// Toys come in groups of four of one class, so that the embedding must distinguish them; `pairs`
/// is a multiple of 4. `hard` is the share of pictures in the poses of captions (dark, cropped,
/// tiny ...).
PairBatch DrawPairs(uint64_t seed, int pairs, double hard);

/// Degrades pictures at random, like a small autoencoder: scales them down and up, blurs them and
/// adds noise.
torch::Tensor Disturb(const torch::Tensor& image01, uint64_t seed);

/// The sum of the labels' cross-entropies, twice the parts' cross-entropy (mean over positions) and
/// InfoNCE over the pairs (temperature 0.1, both directions).
torch::Tensor ScorerLoss(const Scores& scores, const PairBatch& batch);

struct HeldOut {
  std::array<double, kLabelCount> accuracy = {};  ///< of colours: where they are shown
  double mask_iou = 0;      ///< of the toy on the parts' grid, mean over the pictures
  double retrieval = 0;     ///< share of toys whose other picture is the nearest of all P
  double same_cosine = 0;   ///< mean embedding cosine of the two pictures of one toy
  double class_cosine = 0;  ///< mean between different toys of one class
};

/// Figures on a batch that the scorer has not seen, on the scorer's device.
HeldOut Examine(Scorer& scorer, const PairBatch& batch);

/// A seed for DrawPairs whose toys and pictures no training sees.
constexpr uint64_t kScorerHeldOutSeed = 0x5eed0f7e57ULL;

}  // namespace vico::toyworld
