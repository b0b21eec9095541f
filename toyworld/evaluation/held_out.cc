#include "toyworld/evaluation/held_out.h"

#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "toyworld/world/captions.h"

namespace vico::toyworld {
namespace {

// Not a seed of tests, examples, demos or the pretraining.
constexpr uint64_t kCaptions = 0xe7a1'ca97'0000'0000ULL;
constexpr uint64_t kConcepts = 0xe7a1'c0ce'0000'0000ULL;
constexpr uint64_t kRedrawn = 0xe7a1'7e07'0000'0000ULL;
constexpr int kPictureSide = 256;
constexpr int kConceptScenes[] = {kGrass, kTable, kBrick, kBeach, kSnow};
constexpr int kPromptScenes[] = {kNight, kOcean, kDesert, kCity, kGrass, kTable, kBeach, kSnow};

}  // namespace

HeldOutCaption ReadCaption(Drawing drawing) {
  HeldOutCaption said;
  std::istringstream words(drawing.caption);
  // Only up to the noun: scenes contain colour words, too ("a green field").
  for (std::string word; words >> word && !said.toy_class && word != "toy" && word != "thing";) {
    if (ClassIndex(word) == drawing.instance.toy_class) said.toy_class = ClassIndex(word);
    if (ColourIndex(word) >= 0) said.colour = ColourIndex(word);
    if (word == kPatternNames[static_cast<size_t>(drawing.instance.pattern)]) {
      said.pattern = drawing.instance.pattern;
    }
  }
  said.scene = SceneInPrompt(drawing.caption);
  said.drawing = std::move(drawing);
  return said;
}

HeldOutCaption MakeHeldOutCaption(int index, const std::vector<int>& classes) {
  Random random(kCaptions + static_cast<uint64_t>(index));
  const int toy_class =
      classes[static_cast<size_t>(random.Below(static_cast<int>(classes.size())))];
  const Instance instance = RandomInstance(random, toy_class);
  return ReadCaption(DrawCaptioned(instance, random.Next()));
}

HeldOutConcept MakeHeldOutConcept(int index, const std::vector<int>& classes) {
  const int count = static_cast<int>(classes.size());
  const int toy_class = classes[static_cast<size_t>(index % count)], round = index / count;
  Random random(kConcepts + static_cast<uint64_t>(round * kClassCount + toy_class));
  HeldOutConcept shown;
  shown.name = fmt::format("{}-{}", kClassNames[static_cast<size_t>(toy_class)], round + 1);
  shown.instance = RandomInstance(random, toy_class);
  for (const int scene : kConceptScenes) {
    Pose pose;
    pose.scale = random.Uniform(0.64, 0.78);
    pose.x = random.Uniform(-0.14, 0.14);
    pose.y = random.Uniform(0.04, 0.14);
    shown.pictures.push_back(Draw(shown.instance, scene, random.Next(), pose, kPictureSide));
  }
  return shown;
}

const std::vector<std::string>& ConceptPrompts() {
  static const std::vector<std::string> kPrompts = [] {
    std::vector<std::string> prompts;
    for (const int scene : kPromptScenes) {
      prompts.push_back(
          fmt::format("a photo of a {{}} {}", kScenes[static_cast<size_t>(scene)].phrases[0]));
    }
    return prompts;
  }();
  return kPrompts;
}

std::vector<Drawing> Redraw(const HeldOutConcept& shown, const std::string& prompt, int count) {
  const int scene = SceneInPrompt(prompt).value_or(0);
  Random random(kRedrawn + static_cast<uint64_t>(scene));
  std::vector<Drawing> drawings;
  drawings.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    drawings.push_back(Draw(shown.instance, scene, random.Next()));
  }
  return drawings;
}

}  // namespace vico::toyworld
