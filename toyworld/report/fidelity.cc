#include "toyworld/report/fidelity.h"

#include "toyworld/world/captions.h"

namespace vico::toyworld {
namespace {

Scores Score(Scorer& scorer, const std::vector<GeneratedPicture>& listed) {
  std::vector<cv::Mat> pictures;
  pictures.reserve(listed.size());
  for (const GeneratedPicture& picture : listed) pictures.push_back(picture.picture);
  return scorer(ToImages01(pictures));
}

std::optional<double> PromptFidelity(const Scores& scores,
                                     const std::vector<GeneratedPicture>& listed) {
  const torch::Tensor seen = scores.scene.argmax(1);
  int asked = 0, right = 0;
  for (size_t i = 0; i < listed.size(); ++i) {
    const std::optional<int> scene = SceneInPrompt(listed[i].prompt);
    if (!scene) continue;
    ++asked;
    right += seen[static_cast<int64_t>(i)].item<int64_t>() == *scene ? 1 : 0;
  }
  if (asked == 0) return std::nullopt;
  return static_cast<double>(right) / asked;
}

}  // namespace

Fidelity MeasureFidelity(Scorer& scorer, const ReportInput& input) {
  const torch::NoGradGuard no_grad;
  torch::Tensor mean = scorer(ToImages01(input.concept_pictures)).embedding.mean(0);  // [64]
  mean = mean / mean.norm().clamp_min(1e-6);
  Fidelity fidelity;
  const auto measure = [&](const std::vector<GeneratedPicture>& listed,
                           std::optional<double>& of_concept, std::optional<double>& of_prompt) {
    if (listed.empty()) return;
    const Scores scores = Score(scorer, listed);
    of_concept = scores.embedding.matmul(mean).mean().item<double>();
    of_prompt = PromptFidelity(scores, listed);
  };
  measure(input.before, fidelity.of_concept.before, fidelity.of_prompt.before);
  measure(input.after, fidelity.of_concept.after, fidelity.of_prompt.after);
  return fidelity;
}

}  // namespace vico::toyworld
