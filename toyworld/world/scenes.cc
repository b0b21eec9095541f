#include "toyworld/world/scenes.h"

#include <algorithm>
#include <cmath>

namespace vico::toyworld {
namespace {

constexpr double kEnd = Canvas::kUnits;

/// The colour with a small random change, mostly of its brightness.
Rgb Near(Rgb colour, Random& random, double amount = 9) {
  const double all = random.Uniform(-amount, amount);
  const double r = random.Uniform(-amount / 2, amount / 2);
  const double g = random.Uniform(-amount / 2, amount / 2);
  const double b = random.Uniform(-amount / 2, amount / 2);
  return colour + Rgb{all + r, all + g, all + b};
}

double Horizon(Random& random) { return random.Uniform(0.44, 0.56) * kEnd; }

void Hill(Canvas& canvas, Random& random, double y, double height, Rgb colour) {
  const double x = random.Uniform(0, kEnd), rx = random.Uniform(50, 95);
  canvas.Fill(Ellipse(x, y, rx, height, {.from = 180, .to = 360, .points = 22}), colour);
}

void Sun(Canvas& canvas, double x, double y, double radius, Rgb colour) {
  canvas.Glow(x, y, 3 * radius, 3 * radius, colour, 0.55);
  canvas.Disc(x, y, radius, radius, colour);
}

void Cloud(Canvas& canvas, double x, double y, double size) {
  const Rgb white = {252, 253, 255};
  canvas.Fill(RoundedBox(x - 15 * size, y - 2 * size, x + 15 * size, y + 6 * size, 4 * size),
              white);
  canvas.Disc(x - 6 * size, y - 1 * size, 7 * size, 7 * size, white);
  canvas.Disc(x + 5 * size, y - 3 * size, 8 * size, 8 * size, white);
}

Setting Beach(Random& random, Canvas& canvas) {
  const double horizon = random.Uniform(0.38, 0.48) * kEnd;
  const double shore = horizon + random.Uniform(14, 22);
  canvas.Gradient(0, horizon, Near({88, 178, 242}, random), Near({205, 236, 252}, random));
  canvas.Gradient(horizon, kEnd, Near({28, 120, 196}, random), Near({76, 196, 214}, random));
  canvas.Gradient(shore, kEnd, Near({248, 224, 164}, random), Near({226, 192, 124}, random));
  const double slope = random.Uniform(-4, 4);
  Shape foam;
  for (int i = 0; i <= 8; ++i) {
    foam.emplace_back(i * 17 - 4, shore + slope * (i - 4) / 4 + (i % 2 == 0 ? 1.5 : -1.5));
  }
  canvas.Line(foam, 4.5, {246, 251, 250});
  if (random.Chance(0.6)) {
    const double x = random.Uniform(14, 114), y = random.Uniform(14, 28);
    Sun(canvas, x, y, 10, {255, 236, 130});
  } else {
    const double x = random.Uniform(20, 108), y = random.Uniform(14, 28);
    Cloud(canvas, x, y, 1);
  }
  if (random.Chance(0.6)) {
    const bool left = random.Chance(0.5);
    const double x = left ? random.Uniform(8, 24) : random.Uniform(104, 120);
    const double foot = shore + random.Uniform(4, 14), top = foot - random.Uniform(50, 60);
    const double lean = left ? 6 : -6;
    canvas.Line({{float(x), float(foot)},
                 {float(x + 0.3 * lean), float((foot + top) / 2)},
                 {float(x + lean), float(top)}},
                5, {128, 86, 50});
    for (const double degrees : {-166.0, -128.0, -52.0, -14.0}) {
      const double angle = degrees * 0.0174533;
      const double c = std::cos(angle), s = std::sin(angle);
      canvas.Line({{float(x + lean), float(top)},
                   {float(x + lean + 13 * c), float(top + 7 * s - 4)},
                   {float(x + lean + 23 * c), float(top + 14 * s + 7)}},
                  4.6, std::abs(c) > 0.8 ? Rgb{38, 128, 62} : Rgb{56, 152, 74});
    }
  }
  return {};
}

Setting Snow(Random& random, Canvas& canvas) {
  const double horizon = Horizon(random);
  canvas.Gradient(0, horizon, Near({150, 182, 216}, random), Near({218, 230, 242}, random));
  canvas.Gradient(horizon, kEnd, Near({246, 249, 254}, random, 4),
                  Near({212, 225, 244}, random, 6));
  Hill(canvas, random, horizon + 2, random.Uniform(9, 18), {238, 244, 252});
  const int firs = 2 + random.Below(2);
  for (int i = 0; i < firs; ++i) {
    const double x = (i + random.Uniform(0.05, 0.95)) * kEnd / firs;
    const double height = random.Uniform(32, 50), half = 0.3 * height;
    const double foot = horizon + random.Uniform(3, 9);
    const Rgb green = Near({48, 104, 84}, random);
    canvas.Box(x - 2, foot - 3, x + 2, foot + 5, {104, 74, 50});
    for (int layer = 0; layer < 3; ++layer) {
      const double y = foot - 0.27 * height * layer, w = half * (1 - 0.22 * layer);
      canvas.Fill({{float(x - w), float(y)},
                   {float(x + w), float(y)},
                   {float(x), float(y - 0.42 * height)}},
                  green + Rgb{16.0 * layer, 18.0 * layer, 18.0 * layer});
    }
    canvas.Fill({{float(x - 4), float(foot - 0.8 * height)},
                 {float(x + 4), float(foot - 0.8 * height)},
                 {float(x), float(foot - 0.98 * height)}},
                {250, 252, 255});
  }
  for (int i = 0; i < 16; ++i) {
    const double x = random.Uniform(0, kEnd), y = random.Uniform(0, 0.7 * kEnd);
    const double r = random.Uniform(1.3, 2.3);
    canvas.Disc(x, y, r, r, {255, 255, 255});
  }
  return {};
}

Setting Grass(Random& random, Canvas& canvas) {
  const double horizon = Horizon(random);
  canvas.Gradient(0, horizon, Near({84, 168, 240}, random), Near({196, 230, 252}, random));
  const Rgb far = Near({128, 196, 92}, random);
  Hill(canvas, random, horizon + 4, random.Uniform(14, 26), far);
  Hill(canvas, random, horizon + 4, random.Uniform(10, 20), Mix(far, {90, 170, 80}, 0.5));
  canvas.Gradient(horizon, kEnd, Near({112, 192, 78}, random), Near({54, 138, 54}, random));
  const int clouds = 1 + random.Below(2);
  for (int i = 0; i < clouds; ++i) {
    const double x = (i + random.Uniform(0.15, 0.85)) * kEnd / clouds;
    const double y = random.Uniform(12, 30);
    Cloud(canvas, x, y, random.Uniform(0.75, 1.1));
  }
  for (int i = 0; i < 9; ++i) {
    const double x = random.Uniform(2, kEnd - 2), y = random.Uniform(horizon + 10, kEnd);
    canvas.Fill({{float(x - 3.5), float(y)},
                 {float(x - 2), float(y - 6)},
                 {float(x), float(y - 1)},
                 {float(x + 2.5), float(y - 7)},
                 {float(x + 3.5), float(y)}},
                {48, 126, 52});
  }
  const Rgb petals[] = {{252, 228, 88}, {252, 252, 252}, {244, 120, 156}};
  for (int i = 0; i < 6; ++i) {
    const double x = random.Uniform(3, kEnd - 3), y = random.Uniform(horizon + 12, kEnd - 3);
    canvas.Disc(x, y, 2.6, 2.4, petals[random.Below(3)]);
  }
  return {};
}

Setting Night(Random& random, Canvas& canvas) {
  const double horizon = random.Uniform(0.6, 0.7) * kEnd;
  const Rgb top = Near({14, 16, 54}, random, 5);
  canvas.Gradient(0, horizon, top, Near({64, 56, 122}, random, 7));
  for (int i = 0; i < 18; ++i) {
    const double x = random.Uniform(2, kEnd - 2), y = random.Uniform(2, horizon - 8);
    const double r = i < 5 ? 2.2 : 1.3;
    canvas.Disc(x, y, r, r, {252, 248, 214});
  }
  const double x = random.Uniform(16, 112), y = random.Uniform(16, 32);
  canvas.Glow(x, y, 36, 36, {236, 226, 190}, 0.45);
  if (random.Chance(0.5)) {
    constexpr double kTurn = -30;
    Shape crescent =
        Ellipse(x + 3, y, 13, 13, {.from = 80, .to = 280, .turn = kTurn, .points = 18});
    const Shape inner =
        Ellipse(x + 5, y, 7, 12, {.from = 270, .to = 90, .turn = kTurn, .points = 14});
    crescent.insert(crescent.end(), inner.begin(), inner.end());
    canvas.Fill(crescent, {252, 246, 206});
  } else {
    canvas.Disc(x, y, 12.5, 12.5, {252, 246, 206});
    canvas.Disc(x - 4, y - 3, 3, 3, {232, 222, 178});
    canvas.Disc(x + 4, y + 4, 2.4, 2.4, {232, 222, 178});
  }
  Hill(canvas, random, horizon + 3, random.Uniform(10, 20), {30, 34, 68});
  canvas.Gradient(horizon, kEnd, Near({44, 52, 84}, random, 5), Near({22, 28, 50}, random, 4));
  return {.tint = {222, 224, 250}};
}

Setting Brick(Random& random, Canvas& canvas) {
  const double floor = random.Uniform(0.72, 0.82) * kEnd;
  const Rgb brick = Near({176, 82, 62}, random, 13);
  const Rgb mortar = Near({212, 196, 180}, random, 8);
  canvas.Gradient(0, floor, mortar, mortar * 0.92);
  constexpr double kHeight = 13, kWidth = 27;
  const double start = random.Uniform(-kWidth, 0);
  for (int row = 0; row * kHeight < floor; ++row) {
    for (double x = start - (row % 2) * kWidth / 2; x < kEnd; x += kWidth) {
      const double shade = random.Uniform(-15, 15);
      const double y0 = row * kHeight + 1, y1 = std::min(y0 + kHeight - 2.5, floor);
      canvas.Box(x + 1, y0, x + kWidth - 1.5, y1, brick + Rgb{shade, shade, shade});
    }
  }
  canvas.Gradient(floor, kEnd, Near({172, 168, 166}, random), Near({122, 118, 118}, random));
  canvas.Gradient(floor - 1, floor + 1.5, {96, 88, 84}, {96, 88, 84});
  return {};
}

Setting Table(Random& random, Canvas& canvas) {
  const double edge = random.Uniform(0.46, 0.58) * kEnd;
  const Rgb wall = Near({206, 222, 212}, random, 20);
  canvas.Gradient(0, edge, wall, wall + Rgb{16, 14, 10});
  if (random.Chance(0.55)) {
    const double x = random.Uniform(6, 88);
    const Rgb sky = Near({150, 206, 242}, random, 12);
    canvas.Box(x, 7, x + 34, 41, {250, 250, 248});
    canvas.Box(x + 3, 10, x + 15.5, 38, sky);
    canvas.Box(x + 18.5, 10, x + 31, 38, sky + Rgb{10, 8, 4});
  }
  const Rgb wood = Near({184, 124, 68}, random, 13);
  const double seams[] = {edge, edge + 0.2 * (kEnd - edge), edge + 0.52 * (kEnd - edge), kEnd};
  for (int i = 0; i < 3; ++i) {
    const double shade = random.Uniform(-12, 12);
    const Rgb plank = wood + Rgb{shade, shade, shade};
    canvas.Gradient(seams[i], seams[i + 1], plank + Rgb{8, 8, 8}, plank * 0.94);
    for (int grain = 0; grain < 2; ++grain) {
      const double y = random.Uniform(seams[i] + 4, std::max(seams[i] + 5, seams[i + 1] - 3));
      const double x = random.Uniform(-10, 100);
      canvas.Box(x, y, x + random.Uniform(20, 46), y + 1.6, plank * 0.84);
    }
    canvas.Gradient(seams[i], seams[i] + (i == 0 ? 3 : 2), wood * 0.56, wood * 0.56);
  }
  return {};
}

Setting Ocean(Random& random, Canvas& canvas) {
  canvas.Gradient(0, kEnd, Near({66, 188, 226}, random), Near({12, 66, 142}, random));
  for (int i = 0; i < 3; ++i) {
    const double x = (i + random.Uniform(0.1, 0.9)) * kEnd / 3, lean = random.Uniform(-10, 30);
    const double width = random.Uniform(9, 16);
    canvas.Fill({{float(x), -2},
                 {float(x + width), -2},
                 {float(x + width + lean), 84},
                 {float(x + lean - 8), 84}},
                Mix({66, 188, 226}, {24, 106, 176}, 0.35));
  }
  const double bed = random.Uniform(104, 112);
  const Rgb sand = Near({204, 190, 138}, random);
  Shape dunes = {{-4, 132}};
  const double phase = random.Uniform(0, 6);
  for (int i = 0; i <= 10; ++i) {
    dunes.emplace_back(-4 + 13.6 * i, bed + 3 * std::sin(phase + 0.9 * i));
  }
  dunes.emplace_back(132, 132);
  const Rgb weeds[] = {{36, 146, 86}, {232, 98, 112}, {72, 176, 106}};
  const int plants = 3 + random.Below(2);
  for (int i = 0; i < plants; ++i) {
    const double x = (i + random.Uniform(0.05, 0.95)) * kEnd / plants;
    const double height = random.Uniform(24, 44), wave = random.Uniform(0, 6);
    Shape plant;
    for (int k = 0; k <= 7; ++k) {
      plant.emplace_back(x + 4.5 * std::sin(wave + 0.95 * k), bed + 6 - height * k / 7);
    }
    canvas.Line(plant, 5.2, weeds[random.Below(3)]);
  }
  canvas.Fill(dunes, sand);
  for (int i = 0; i < 7; ++i) {
    const double x = random.Uniform(4, kEnd - 4), y = random.Uniform(6, 100);
    const double r = random.Uniform(2.2, 4.2);
    canvas.Disc(x, y, r, r, {196, 238, 250});
    canvas.Disc(x, y, r - 1.4, r - 1.4, {84, 178, 218});
  }
  return {.shadow = false, .lift = -0.06, .tint = {232, 246, 255}};
}

Setting Desert(Random& random, Canvas& canvas) {
  const double horizon = Horizon(random);
  canvas.Gradient(0, horizon, Near({246, 152, 84}, random), Near({254, 226, 168}, random));
  if (random.Chance(0.75)) {
    const double x = random.Uniform(14, 114), y = random.Uniform(14, 36);
    Sun(canvas, x, y, 12, {255, 247, 206});
  }
  Hill(canvas, random, horizon + 2, random.Uniform(12, 24), Near({240, 178, 104}, random));
  canvas.Gradient(horizon, kEnd, Near({232, 170, 94}, random), Near({202, 128, 62}, random));
  Hill(canvas, random, horizon + 22, random.Uniform(8, 15), Near({222, 154, 82}, random));
  const int cactuses = 1 + random.Below(2);
  for (int i = 0; i < cactuses; ++i) {
    const bool left = cactuses == 2 ? i == 0 : random.Chance(0.5);
    const double x = left ? random.Uniform(8, 32) : random.Uniform(96, 120);
    const double foot = horizon + random.Uniform(8, 22), h = random.Uniform(30, 44);
    const Rgb green = Near({62, 132, 70}, random);
    canvas.Line({{float(x), float(foot)}, {float(x), float(foot - h)}}, 8, green);
    canvas.Line({{float(x), float(foot - 0.34 * h)},
                 {float(x + 10), float(foot - 0.36 * h)},
                 {float(x + 11), float(foot - 0.66 * h)}},
                5.5, green * 1.08);
    canvas.Line({{float(x), float(foot - 0.5 * h)},
                 {float(x - 9), float(foot - 0.52 * h)},
                 {float(x - 10), float(foot - 0.8 * h)}},
                5.5, green * 1.08);
  }
  return {.tint = {255, 250, 240}};
}

Setting City(Random& random, Canvas& canvas) {
  const double street = random.Uniform(0.6, 0.68) * kEnd;
  canvas.Gradient(0, street, Near({168, 196, 226}, random), Near({246, 224, 204}, random));
  const Rgb walls[] = {{104, 118, 150}, {146, 134, 152}, {92, 108, 128}, {160, 148, 142}};
  double x = random.Uniform(-14, 0);
  int last = -1;
  while (x < kEnd) {
    const double width = random.Uniform(25, 36), top = random.Uniform(8, 44);
    int colour = random.Below(4);
    if (colour == last) colour = (colour + 1) % 4;
    last = colour;
    const Rgb wall = Near(walls[colour], random);
    canvas.Box(x, top, x + width, street, wall);
    canvas.Box(x, top, x + width, top + 3, wall * 0.7);
    const int columns = width > 30 ? 3 : 2;
    const double pitch = width / columns;
    for (double y = top + 8; y < street - 10; y += 13) {
      for (int column = 0; column < columns; ++column) {
        const double left = x + column * pitch + pitch / 2 - 3;
        const bool lit = random.Chance(0.4);
        canvas.Box(left, y, left + 6, y + 7.5, lit ? Rgb{255, 230, 150} : wall * 0.62);
      }
    }
    x += width + 1.5;
  }
  canvas.Gradient(street, kEnd, Near({196, 192, 190}, random), {184, 180, 180});
  const double kerb = street + 7;
  canvas.Gradient(kerb, kEnd, Near({92, 94, 102}, random, 6), Near({68, 70, 78}, random, 5));
  canvas.Gradient(kerb, kerb + 2, {132, 130, 132}, {132, 130, 132});
  const double lane = kerb + 0.62 * (kEnd - kerb), phase = random.Uniform(-34, 0);
  for (double dash = phase; dash < kEnd; dash += 34) {
    canvas.Box(dash, lane, dash + 18, lane + 3.5, {240, 234, 214});
  }
  return {};
}

}  // namespace

Setting DrawScene(int scene, Random& random, Canvas& canvas) {
  switch (scene) {
    case kBeach:
      return Beach(random, canvas);
    case kSnow:
      return Snow(random, canvas);
    case kGrass:
      return Grass(random, canvas);
    case kNight:
      return Night(random, canvas);
    case kBrick:
      return Brick(random, canvas);
    case kTable:
      return Table(random, canvas);
    case kOcean:
      return Ocean(random, canvas);
    case kDesert:
      return Desert(random, canvas);
    default:
      return City(random, canvas);
  }
}

}  // namespace vico::toyworld
