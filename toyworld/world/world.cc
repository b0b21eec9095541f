#include "toyworld/world/world.h"

#include <algorithm>
#include <utility>

#include <opencv2/imgproc.hpp>

#include "toyworld/world/captions.h"
#include "toyworld/world/scenes.h"
#include "toyworld/world/toys.h"

namespace vico::toyworld {
namespace {

Paint RandomPaint(int name, Random& random) {
  const Rgb pure = kColours[name].rgb;
  const auto jitter = [&random](double v) {
    return std::clamp(v + random.Uniform(-14, 14), 0.0, 255.0);
  };
  return {name, Rgb{jitter(pure.r), jitter(pure.g), jitter(pure.b)}};
}

int RandomPattern(Random& random) {
  const double u = random.Uniform();
  return u < 0.4 ? kPlain : u < 0.65 ? kStriped : u < 0.85 ? kDotted : kCheckered;
}

// Halves the canvas (supersampling), splits it into picture and mask, and scales by `gain`.
void Reduce(const Canvas& canvas, const Rgb& gain, int side, Drawing& drawing) {
  cv::Mat small;
  cv::resize(canvas.pixels(), small, {side, side}, 0, 0, cv::INTER_AREA);
  uint8_t lit[3][256];
  const double gains[3] = {gain.r, gain.g, gain.b};
  for (int c = 0; c < 3; ++c) {
    for (int v = 0; v < 256; ++v) {
      lit[c][v] = static_cast<uint8_t>(std::min(255.0, v * gains[c] + 0.5));
    }
  }
  drawing.image.create(side, side, CV_8UC3);
  drawing.mask.create(side, side, CV_8UC1);
  for (int y = 0; y < side; ++y) {
    const auto* from = small.ptr<cv::Vec4b>(y);
    auto* image = drawing.image.ptr<cv::Vec3b>(y);
    auto* mask = drawing.mask.ptr<uint8_t>(y);
    for (int x = 0; x < side; ++x) {
      image[x] = {lit[0][from[x][0]], lit[1][from[x][1]], lit[2][from[x][2]]};
      mask[x] = from[x][3];
    }
  }
}

}  // namespace

Instance RandomInstance(Random& random, std::optional<int> toy_class) {
  Instance instance;
  instance.toy_class = random.Below(kClassCount);
  if (toy_class) instance.toy_class = *toy_class;
  int names[kColourCount];
  for (int i = 0; i < kColourCount; ++i) names[i] = i;
  for (int i = 0; i < 3; ++i) {
    std::swap(names[i], names[i + random.Below(kColourCount - i)]);
    instance.paint[i] = RandomPaint(names[i], random);
  }
  instance.pattern = RandomPattern(random);
  instance.pattern_frequency = random.Uniform(0.8, 1.25);
  constexpr double kAngles[] = {0, 0, 90, 45};
  instance.pattern_degrees = kAngles[random.Below(4)];
  instance.pattern_phase = random.Uniform();
  for (double& proportion : instance.proportions) proportion = random.Uniform();
  instance.accessory = random.Chance(0.4) ? 0 : 1 + random.Below(3);
  return instance;
}

Drawing Draw(const Instance& instance, int scene, uint64_t seed, const Pose& pose, int side) {
  // A generator for each part of the picture, so that fixed values do not change the rest.
  Random root(seed);
  Random scenery = root.Fork(1), stance = root.Fork(2), light = root.Fork(3);
  Canvas canvas(side);
  const Setting setting = DrawScene(scene, scenery, canvas);

  const double half = Canvas::kUnits / 2;
  Placement placement;
  const double scale = stance.Uniform(0.52, 0.78);
  const double x = stance.Uniform(-0.22, 0.22), y = stance.Uniform(0, 0.22);
  const double degrees = stance.Uniform(-10, 10);
  const bool mirrored = stance.Chance(0.5);
  placement.scale = half * pose.scale.value_or(scale);
  placement.x = half * (1 + pose.x.value_or(x));
  placement.y = half * (1 + pose.y.value_or(y) + setting.lift);
  placement.degrees = pose.rotation_degrees.value_or(degrees);
  placement.mirrored = pose.mirrored.value_or(mirrored);
  placement.light = light.Uniform(-1, 1);
  placement.tint = setting.tint;
  if (setting.shadow) {
    const double ground = placement.y + placement.scale * Underside(instance.toy_class);
    canvas.Glow(placement.x, ground, 1.25 * placement.scale, 0.34 * placement.scale, {}, -0.62);
  }

  Figure figure(canvas, instance, placement);
  DrawToy(figure);
  figure.Shade();

  const double gain = light.Uniform(0.94, 1.06);
  const double red = light.Uniform(0.985, 1.015), green = light.Uniform(0.985, 1.015);
  const double blue = light.Uniform(0.985, 1.015);
  Drawing drawing;
  drawing.instance = instance;
  drawing.scene = scene;
  Reduce(canvas, Rgb{red, green, blue} * pose.gain.value_or(gain), side, drawing);
  return drawing;
}

Drawing DrawCaptioned(uint64_t seed) {
  Random random(seed);
  Random toys = random.Fork(11);
  return DrawCaptioned(RandomInstance(toys), random.Next());
}

Drawing DrawCaptioned(const Instance& instance, uint64_t seed) {
  Random random(seed);
  Random words = random.Fork(12);
  const int scene = words.Below(kSceneCount);
  const Caption caption = RandomCaption(instance, scene, words);
  Drawing drawing = Draw(instance, scene, random.Next(), caption.pose);
  drawing.caption = caption.text;
  return drawing;
}

}  // namespace vico::toyworld
