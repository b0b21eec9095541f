// The drawn world: random toys of ten classes in nine scenes, with captions that describe them. All
// functions depend on their arguments only. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <opencv2/core.hpp>

#include "toyworld/world/catalogue.h"
#include "toyworld/world/random.h"

namespace vico::toyworld {

struct Paint {
  int name = 0;  ///< index into kColours
  Rgb rgb;       ///< that colour, each channel jittered by up to 14
};

/// One particular toy, the same in all pictures of a concept.
struct Instance {
  int toy_class = kRobot;
  std::array<Paint, 3>
      paint;  ///< body; secondary parts and pattern; accents. Three different names
  int pattern = kPlain;
  double pattern_frequency = 1;                              ///< 0.8..1.25
  double pattern_degrees = 0;                                ///< 0, 45 or 90
  double pattern_phase = 0;                                  ///< 0..1
  std::array<double, 4> proportions = {0.5, 0.5, 0.5, 0.5};  ///< 0..1, meaning depends on the class
  int accessory = 0;                                         ///< 0..3, see AccessoryName()
};

/// The pose of a toy. Unset values are drawn from the picture's seed.
struct Pose {
  std::optional<double> scale;             ///< half of the picture = 1; drawn from 0.52..0.78
  std::optional<double> x, y;              ///< centre, -1..1; drawn from +-0.22 and 0..0.22
  std::optional<double> rotation_degrees;  ///< drawn from +-10
  std::optional<bool> mirrored;
  std::optional<double> gain;  ///< brightness; drawn from 0.94..1.06
};

struct Drawing {
  cv::Mat image;  ///< [side, side, 3] uint8, RGB
  cv::Mat mask;   ///< [side, side] uint8, 255 where the toy is
  Instance instance;
  int scene = 0;
  std::string caption;  ///< empty unless drawn by DrawCaptioned()
};

constexpr int kSide = 64;  ///< side of the tiny base's pictures

Instance RandomInstance(Random& random, std::optional<int> toy_class = std::nullopt);

/// `side` is a multiple of 64. A larger picture is the same drawing with more detail.
Drawing Draw(const Instance& instance, int scene, uint64_t seed, const Pose& pose = {},
             int side = kSide);

/// A training example of the base, with random instance, scene, pose and caption.
Drawing DrawCaptioned(uint64_t seed);
/// The same with a given instance.
Drawing DrawCaptioned(const Instance& instance, uint64_t seed);

}  // namespace vico::toyworld
