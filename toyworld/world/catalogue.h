// The catalogue of the drawn world: classes, colours, patterns, accessories and scenes, with their
// words.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vico::toyworld {

struct Rgb {
  double r = 0, g = 0, b = 0;  ///< 0..255
};

inline Rgb operator*(Rgb c, double k) { return {c.r * k, c.g * k, c.b * k}; }
inline Rgb operator+(Rgb a, Rgb b) { return {a.r + b.r, a.g + b.g, a.b + b.b}; }
/// Interpolates: `a` at t = 0, `b` at t = 1.
inline Rgb Mix(Rgb a, Rgb b, double t) { return a * (1 - t) + b * t; }

enum Class { kRobot, kMug, kCar, kHouse, kFish, kTeapot, kDuck, kBear, kBall, kBackpack };
enum Pattern { kPlain, kStriped, kDotted, kCheckered };
enum Scene { kBeach, kSnow, kGrass, kNight, kBrick, kTable, kOcean, kDesert, kCity };

constexpr int kClassCount = 10;
constexpr int kColourCount = 12;
constexpr int kPatternCount = 4;
constexpr int kAccessoryCount = 4;  ///< accessory 0 of every class is none
constexpr int kSceneCount = 9;

struct NamedColour {
  std::string_view name;
  Rgb rgb;
};

struct SceneWords {
  std::string_view name;
  std::array<std::string_view, 2> phrases;
};

extern const std::array<std::string_view, kClassCount> kClassNames;
extern const std::array<NamedColour, kColourCount> kColours;
extern const std::array<std::string_view, kPatternCount> kPatternNames;
extern const std::array<SceneWords, kSceneCount> kScenes;

/// With its article ("a hat"); empty for accessory 0. `accessory` in 0..3.
std::string_view AccessoryName(int toy_class, int accessory);

/// Index of the name in its table, -1 if there is none.
int ColourIndex(std::string_view name);
int ClassIndex(std::string_view name);

}  // namespace vico::toyworld
