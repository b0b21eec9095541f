#include "toyworld/scorer/scorer.h"

#include "common/status.h"
#include "toyworld/world/catalogue.h"
#include "toyworld/world/world.h"
#include "worker/scorer/scorer_file.h"

namespace vico::toyworld {

static_assert(worker::kScorerSide == kSide);
static_assert(worker::kScorerClasses == kClassCount);
static_assert(worker::kScorerColours == kColourCount);
static_assert(worker::kScorerPatterns == kPatternCount);
static_assert(worker::kScorerAccessories == kAccessoryCount);
static_assert(worker::kScorerScenes == kSceneCount);

absl::StatusOr<Scorer> LoadScorer(const std::string& path) {
  ASSIGN_OR_RETURN(const worker::ScorerFile file, worker::LoadScorerFile(path));
  return file.network;
}

absl::Status SaveScorer(const Scorer& scorer, const std::string& path) {
  worker::ScorerLabels labels;
  labels.name = "toyworld scorer";
  for (const SceneWords& scene : kScenes) {
    labels.scenes.emplace_back(scene.phrases.begin(), scene.phrases.end());
  }
  return worker::SaveScorerFile(scorer, labels, path);
}

}  // namespace vico::toyworld
