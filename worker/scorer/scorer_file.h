// The scorer's file: weights in safetensors, with metadata that say what the network is called and
// which prompts ask for which scene.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/scorer/scorer.h"

namespace vico::worker {

/// The metadata of the file.
struct ScorerLabels {
  std::string name;  ///< as in AdapterReport.Figure.measured_with
  /// The phrases of each scene, such as "on the beach", in the order of Scores::scene.
  std::vector<std::vector<std::string>> scenes;

  /// The scene whose phrase the prompt contains, if any.
  std::optional<int> SceneIn(std::string_view prompt) const;
};

struct ScorerFile {
  Scorer network{nullptr};
  ScorerLabels labels;
};

/// kNotFound or kInvalidArgument, naming the file and the tensor or the key of its metadata. The
/// file is fp16, the network fp32, on the CPU and without gradients.
absl::StatusOr<ScorerFile> LoadScorerFile(const std::string& path);
absl::Status SaveScorerFile(const Scorer& network, const ScorerLabels& labels,
                            const std::string& path);

}  // namespace vico::worker
