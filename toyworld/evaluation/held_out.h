// Captions and concepts for the evaluation, which no training and no tuning has seen. Everything is
// a function of the arguments.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "toyworld/world/world.h"

namespace vico::toyworld {

struct HeldOutCaption {
  Drawing drawing;                                       ///< the drawing that the caption describes
  std::optional<int> toy_class, colour, scene, pattern;  ///< what its words state
};

/// Caption number `index` about `classes` (indices, at least one).
HeldOutCaption MakeHeldOutCaption(int index, const std::vector<int>& classes);

/// Reads from a caption what it states about instance and scene. The drawing's other properties are
/// not judged.
HeldOutCaption ReadCaption(Drawing drawing);

struct HeldOutConcept {
  std::string name;  ///< such as "robot-1"
  Instance instance;
  std::vector<Drawing> pictures;  ///< to upload: five scenes, 256 pixels
};

/// One concept of each class, then a second of each, and so on. A class's concepts do not depend on
/// the other classes.
HeldOutConcept MakeHeldOutConcept(int index, const std::vector<int>& classes);

/// "a photo of a {} SCENE" for eight scenes, beginning with the four that no concept picture shows.
const std::vector<std::string>& ConceptPrompts();

/// The concept drawn in the prompt's scene, in other poses, 64 pixels.
std::vector<Drawing> Redraw(const HeldOutConcept& shown, const std::string& prompt, int count);

}  // namespace vico::toyworld
