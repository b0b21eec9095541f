// The captions of the drawn world: ViCo's training templates, an optional description, an optional
// scene. A word is only ever said of a picture it is true of.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "toyworld/world/world.h"

namespace vico::toyworld {

struct Caption {
  std::string text;
  Pose pose;  ///< what the words demand of the picture: "dark", "close-up", "cropped", "small" ...
};

/// Leaves parts out at random, so that each can be asked for alone. Colours 2 and 3, proportions
/// and the pattern's frequency are never said: only a picture can tell them.
Caption RandomCaption(const Instance& instance, int scene, Random& random);

/// The scene whose phrase the prompt contains, if any.
std::optional<int> SceneInPrompt(const std::string& prompt);

/// Every word of every caption, sorted, split as CLIP's tokenizer splits ("close-up" is three).
std::vector<std::string> KnownWords();

}  // namespace vico::toyworld
