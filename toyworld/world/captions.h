// The captions of the drawn world: ViCo's training templates, an optional description and an
// optional scene. A caption contains only words that are true of its picture.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "toyworld/world/world.h"

namespace vico::toyworld {

struct Caption {
  std::string text;
  Pose pose;  ///< follows from words like "dark", "close-up", "cropped", "small"
};

/// Leaves out parts at random, so that a prompt may name each alone. Never states colours 2 and 3,
/// proportions and the pattern's frequency, which only a picture can convey.
Caption RandomCaption(const Instance& instance, int scene, Random& random);

/// The scene whose phrase the prompt contains, if any.
std::optional<int> SceneInPrompt(const std::string& prompt);

/// Every word of every caption, sorted, split as CLIP's tokenizer splits ("close-up" is three).
std::vector<std::string> KnownWords();

}  // namespace vico::toyworld
