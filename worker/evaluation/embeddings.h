// What the judges share: embeddings of pictures one after another, and figures from tensors.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/evaluation/judge.h"
#include "worker/model/torch.h"
#include "worker/towers/tower_config.h"

namespace vico::worker {

/// Pixels -> [1, D].
using EmbedPicture = std::function<absl::StatusOr<torch::Tensor>(const Pixels&)>;

/// One picture at a time, so that a stop is heard soon: N pictures -> [N, D]. kCancelled if
/// `keep_going` returns false.
absl::StatusOr<torch::Tensor> Embeddings(const std::vector<Pixels>& pictures,
                                         const EmbedPicture& embed,
                                         const std::function<bool()>& keep_going);

/// `values` [M] of any floating-point type.
PictureFigure FigureOf(std::string name, const torch::Tensor& values);

/// The usual name of a vision transformer's sizes, such as "ViT-B/32"; with its width where there
/// is none, as in "ViT 16 wide/8".
std::string VisionName(const VisionConfig& config);

}  // namespace vico::worker
