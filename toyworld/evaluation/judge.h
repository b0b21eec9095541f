// Applies the scorer to pictures, and measures its accuracy on drawings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "toyworld/evaluation/records.h"
#include "toyworld/scorer/scorer.h"
#include "toyworld/scorer/scorer_training.h"

namespace vico::toyworld {

/// The scorer's most likely values for B pictures.
struct Verdicts {
  std::vector<int> toy_class, scene, pattern;
  std::vector<std::array<int, kPaintCount>> colours;
  torch::Tensor embedding;  ///< [B, 64]
  torch::Tensor features;   ///< [B, 256]
};

Verdicts Judge(Scorer& scorer, const std::vector<cv::Mat>& pictures);

/// The mean of the embeddings, normalised to length 1: [64].
torch::Tensor MeanEmbedding(const Verdicts& verdicts);

/// The scorer's accuracies on 256 pairs of drawings that its training did not see.
Json HeldOutFigures(Scorer& scorer);

}  // namespace vico::toyworld
