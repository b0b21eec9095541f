#include "toyworld/world/catalogue.h"

namespace vico::toyworld {

const std::array<std::string_view, kClassCount> kClassNames = {
    "robot", "mug", "car", "house", "fish", "teapot", "duck", "bear", "ball", "backpack"};

const std::array<NamedColour, kColourCount> kColours = {{{"red", {205, 40, 45}},
                                                         {"orange", {240, 130, 35}},
                                                         {"yellow", {245, 205, 50}},
                                                         {"green", {60, 160, 70}},
                                                         {"teal", {30, 165, 160}},
                                                         {"blue", {50, 95, 215}},
                                                         {"purple", {135, 70, 185}},
                                                         {"pink", {240, 125, 175}},
                                                         {"brown", {130, 85, 50}},
                                                         {"white", {240, 240, 238}},
                                                         {"black", {48, 48, 54}},
                                                         {"gray", {140, 145, 150}}}};

const std::array<std::string_view, kPatternCount> kPatternNames = {"plain", "striped", "dotted",
                                                                   "checkered"};

const std::array<SceneWords, kSceneCount> kScenes = {
    {{"beach", {"on the beach", "on a sandy beach"}},
     {"snow", {"in the snow", "on the snow"}},
     {"grass", {"on the grass", "in a green field"}},
     {"night", {"under the night sky", "at night"}},
     {"brick", {"in front of a brick wall", "by a brick wall"}},
     {"table", {"on a wooden table", "on the wooden table"}},
     {"ocean", {"in the ocean", "under the sea"}},
     {"desert", {"in the desert", "on a sand dune in the desert"}},
     {"city", {"in the city", "on a city street"}}}};

std::string_view AccessoryName(int toy_class, int accessory) {
  static constexpr std::string_view kNames[kClassCount][kAccessoryCount] = {
      {"", "an antenna", "two antennas", "a hat"},  // robot
      {"", "a heart", "a star", "steam"},           // mug
      {"", "a roof rack", "a siren", "a spoiler"},  // car
      {"", "a chimney", "a flag", "a star"},        // house
      {"", "a tall fin", "spikes", "a hat"},        // fish
      {"", "a heart", "a star", "steam"},           // teapot
      {"", "a hat", "a bow tie", "a scarf"},        // duck
      {"", "a hat", "a bow tie", "a scarf"},        // bear
      {"", "a star", "a heart", "a band"},          // ball
      {"", "a star", "a heart", "a flag"}};         // backpack
  return kNames[toy_class][accessory];
}

int ColourIndex(std::string_view name) {
  for (int i = 0; i < kColourCount; ++i) {
    if (kColours[i].name == name) return i;
  }
  return -1;
}

int ClassIndex(std::string_view name) {
  for (int i = 0; i < kClassCount; ++i) {
    if (kClassNames[i] == name) return i;
  }
  return -1;
}

}  // namespace vico::toyworld
