// What the evaluation asks for: captions and concepts that no training and no tuning has seen. All
// of it is a function of the numbers given.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "toyworld/world/world.h"

namespace vico::toyworld {

struct HeldOutCaption {
  Drawing drawing;                                       ///< what the caption was written for
  std::optional<int> toy_class, colour, scene, pattern;  ///< what its words say
};

/// Caption `index` of those about `classes` (indices, at least one).
HeldOutCaption MakeHeldOutCaption(int index, const std::vector<int>& classes);

/// What the words of a caption say of the instance and the scene; the drawing's truth otherwise
/// does not count.
HeldOutCaption ReadCaption(Drawing drawing);

struct HeldOutConcept {
  std::string name;  ///< as "robot-1"
  Instance instance;
  std::vector<Drawing> pictures;  ///< five scenes, 256 pixels: what is uploaded
};

/// The classes in turn, then a second concept of each, and so on. A class's concepts do not depend
/// on the other classes chosen.
HeldOutConcept MakeHeldOutConcept(int index, const std::vector<int>& classes);

/// "a photo of a {} SCENE": eight scenes, the four that no concept picture shows first.
const std::vector<std::string>& ConceptPrompts();

/// The true thing in the prompt's scene, in poses of its own: 64 pixels.
std::vector<Drawing> Redraw(const HeldOutConcept& shown, const std::string& prompt, int count);

}  // namespace vico::toyworld
