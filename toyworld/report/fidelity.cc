#include "toyworld/report/fidelity.h"

#include "toyworld/world/captions.h"
#include "worker/scorer/fidelity.h"

namespace vico::toyworld {
namespace {

Scores Score(Scorer& scorer, const std::vector<GeneratedPicture>& listed) {
  std::vector<cv::Mat> pictures;
  pictures.reserve(listed.size());
  for (const GeneratedPicture& picture : listed) pictures.push_back(picture.picture);
  return scorer(ToImages01(pictures));
}

// The share of those pictures whose prompt names a scene that show it.
std::optional<double> MeanPromptFidelity(const Scores& scores,
                                         const std::vector<GeneratedPicture>& listed) {
  std::vector<std::optional<int>> asked;
  asked.reserve(listed.size());
  for (const GeneratedPicture& picture : listed) asked.push_back(SceneInPrompt(picture.prompt));
  double sum = 0;
  int count = 0;
  for (const std::optional<double>& shows : worker::PromptFidelity(scores.scene, asked)) {
    sum += shows.value_or(0);
    count += shows ? 1 : 0;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace

Fidelity MeasureFidelity(Scorer& scorer, const ReportInput& input) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor real = scorer(ToImages01(input.concept_pictures)).embedding;
  Fidelity fidelity;
  const auto measure = [&](const std::vector<GeneratedPicture>& listed,
                           std::optional<double>& of_concept, std::optional<double>& of_prompt) {
    if (listed.empty()) return;
    const Scores scores = Score(scorer, listed);
    of_concept = worker::ConceptFidelity(real, scores.embedding).mean().item<double>();
    of_prompt = MeanPromptFidelity(scores, listed);
  };
  measure(input.before, fidelity.of_concept.before, fidelity.of_prompt.before);
  measure(input.after, fidelity.of_concept.after, fidelity.of_prompt.after);
  return fidelity;
}

}  // namespace vico::toyworld
