#include "toyworld/world/toys.h"

#include <algorithm>
#include <cmath>

namespace vico::toyworld {
namespace {

constexpr Rgb kInk = {40, 38, 44};
constexpr Rgb kWhite = {252, 252, 252};
constexpr Rgb kGlass = {196, 228, 246};

Shape Points(std::initializer_list<double> xy) {
  Shape shape;
  for (const double* p = xy.begin(); p != xy.end(); p += 2) shape.emplace_back(p[0], p[1]);
  return shape;
}

/// Smaller circles need fewer points.
Shape Circle(double x, double y, double r, int points = 18) {
  return Ellipse(x, y, r, r, {.points = points});
}

void Eye(Figure& f, double x, double y, double r) {
  f.Part(Circle(x, y, r, 14), kWhite);
  f.Patch(Circle(x + 0.12 * r, y + 0.1 * r, 0.58 * r, 12), kInk);
  f.Patch(Circle(x + 0.32 * r, y - 0.18 * r, 0.2 * r, 8), kWhite);
}

void DarkEye(Figure& f, double x, double y, double r) {
  f.Patch(Circle(x, y, r, 12), kInk);
  f.Patch(Circle(x + 0.3 * r, y - 0.35 * r, 0.35 * r, 8), kWhite);
}

void Hat(Figure& f, double x, double y, double w, Rgb colour) {
  f.Part(RoundedBox(x - 0.62 * w, y - 1.0 * w, x + 0.62 * w, y, 0.1 * w), colour);
  f.Patch(Points({x - 0.6 * w, y - 0.36 * w, x + 0.6 * w, y - 0.36 * w, x + 0.6 * w, y - 0.12 * w,
                  x - 0.6 * w, y - 0.12 * w}),
          colour * 0.6);
  f.Part(RoundedBox(x - 1.05 * w, y - 0.16 * w, x + 1.05 * w, y + 0.1 * w, 0.12 * w), colour);
}

void BowTie(Figure& f, double x, double y, double w, Rgb colour) {
  for (const double e : {-1.0, 1.0}) {
    f.Part(
        Points({x, y - 0.1 * w, x + e * w, y - 0.62 * w, x + e * w, y + 0.62 * w, x, y + 0.1 * w}),
        colour);
  }
  f.Part(Circle(x, y, 0.24 * w, 12), colour * 0.85);
}

void Steam(Figure& f, double x, double y) {
  for (const double dx : {-0.14, 0.14}) {
    Shape wave;
    for (int i = 0; i <= 6; ++i) {
      wave.emplace_back(x + dx + 0.06 * std::sin(1.25 * i), y - 0.075 * i);
    }
    f.Limb(wave, 0.075, {238, 242, 246});
  }
}

void Flag(Figure& f, double x, double y, double height, Rgb colour) {
  f.Limb(Points({x, y, x, y - height}), 0.05, {92, 84, 80});
  f.Part(Points({x + 0.02, y - height, x + 0.4, y - height + 0.13, x + 0.02, y - height + 0.27}),
         colour);
}

void Robot(Figure& f) {
  const Rgb c1 = f.colour(0), c2 = f.colour(1), c3 = f.colour(2);
  const double bw = 0.42 + 0.14 * f.proportion(0), hw = 0.33 + 0.13 * f.proportion(1);
  const double hh = 0.24 + 0.08 * f.proportion(2), reach = 0.2 + 0.25 * f.proportion(3);
  const double crown = -0.2 - 2 * hh;
  for (const double e : {-1.0, 1.0}) {
    f.Limb(Points({e * 0.55 * bw, 0.55, e * 0.55 * bw, 0.88}), 0.17, c2);
    f.Part(RoundedBox(e * 0.6 * bw - 0.18, 0.82, e * 0.6 * bw + 0.18, 0.99, 0.08), c2);
    f.Limb(Points({e * (bw - 0.02), 0.04, e * (bw + 0.16), 0.02 + 0.4 * reach, e * (bw + 0.24),
                   reach}),
           0.16, c2);
    f.Part(Circle(e * (bw + 0.25), reach + 0.07, 0.135, 16), c3);
  }
  const auto antenna = [&](double x0, double x1) {
    f.Limb(Points({x0, crown + 0.06, x1, crown - 0.2}), 0.065, c2);
    f.Part(Circle(x1, crown - 0.24, 0.105, 14), c3);
  };
  if (f.instance().accessory == 1) antenna(0, 0);
  if (f.instance().accessory == 2) {
    antenna(-0.15, -0.3);
    antenna(0.15, 0.3);
  }
  f.Part(RoundedBox(-0.11, -0.24, 0.11, 0.0, 0.03), c2);
  f.Body(RoundedBox(-bw, -0.1, bw, 0.62, 0.11));
  for (const double e : {-1.0, 1.0}) {
    f.Part(RoundedBox(e * hw - 0.06, crown + 0.7 * hh, e * hw + 0.06, crown + 1.35 * hh, 0.05), c2);
  }
  f.Part(RoundedBox(-hw, crown, hw, -0.17, 0.13), c1);
  const double eye = crown + 0.85 * hh;
  for (const double e : {-1.0, 1.0}) Eye(f, e * 0.47 * hw, eye, 0.12);
  f.Part(RoundedBox(-0.5 * hw, -0.35, 0.5 * hw, -0.265, 0.03), c3);
  f.Shine(-0.6 * hw, crown + 0.3 * hh, 0.25, 0.4);
  if (f.instance().accessory == 3) Hat(f, 0, crown + 0.02, 0.3, c3);
}

void Mug(Figure& f) {
  const Rgb c2 = f.colour(1), c3 = f.colour(2);
  const double w = 0.48 + 0.13 * f.proportion(0), h = 0.52 + 0.18 * f.proportion(1);
  const double taper = 0.13 * f.proportion(2), foot = w - taper;
  if (f.instance().accessory == 3) Steam(f, 0, -h - 0.14);
  f.Limb(Ellipse(0.92 * w, 0.06, 0.3 + 0.08 * f.proportion(3), 0.34,
                 {.from = -105, .to = 105, .points = 14}),
         0.15, c2);
  Shape body = Points({-w, -h, w, -h});
  const Shape bottom = Ellipse(0, 0.68, foot, 0.15, {.from = 0, .to = 180, .points = 13});
  body.insert(body.end(), bottom.begin(), bottom.end());
  f.Body(body);
  f.Part(Ellipse(0, -h, w, 0.14), c2);
  f.Patch(Ellipse(0, -h, 0.83 * w, 0.09), c2 * 0.42);
  if (f.instance().accessory == 1) f.Part(Heart(0, 0.12, 0.28), c3);
  if (f.instance().accessory == 2) f.Part(Star(0, 0.14, 0.32), c3);
  f.Shine(-0.6 * w, -0.4 * h, 0.32, 0.45);
}

void Car(Figure& f) {
  const Rgb c1 = f.colour(0), c2 = f.colour(1), c3 = f.colour(2);
  const double h = 0.32 + 0.13 * f.proportion(0), cw = 0.42 + 0.14 * f.proportion(1);
  const double x = -0.1 + 0.12 * f.proportion(2), r = 0.23 + 0.06 * f.proportion(3);
  const double top = -0.1 - h - 0.12;
  switch (f.instance().accessory) {
    case 1:
      f.Part(RoundedBox(x - 0.6 * cw, top - 0.3, x + 0.55 * cw, top - 0.06, 0.05), c3);
      f.Limb(Points({x - 0.85 * cw, top - 0.05, x + 0.8 * cw, top - 0.05}), 0.06, kInk);
      break;
    case 2:
      f.Part(RoundedBox(x - 0.17, top - 0.21, x + 0.17, top + 0.05, 0.1), c3);
      break;
    case 3:
      f.Part(Points({-1.06, -0.52, -0.62, -0.44, -0.66, -0.33, -0.8, -0.34, -0.76, -0.05, -0.92,
                     -0.05, -0.92, -0.38, -1.06, -0.4}),
             c3);
      break;
    default:
      break;
  }
  f.Part(Points({x - cw - 0.16, -0.06, x - cw + 0.0, top + 0.05, x - cw + 0.07, top, x + cw - 0.07,
                 top, x + cw, top + 0.05, x + cw + 0.22, -0.06}),
         c1);
  for (const double e : {-1.0, 1.0}) {
    f.Patch(Points({x + e * 0.05, -0.12, x + e * 0.05, top + 0.11, x + e * (cw - 0.08), top + 0.11,
                    x + e * (cw + (e > 0 ? 0.07 : 0.02)), -0.12}),
            kGlass);
  }
  f.Body(RoundedBox(-0.98, -0.14, 0.98, 0.42, 0.17));
  f.Part(RoundedBox(-1.0, 0.27, 1.0, 0.43, 0.06), c2);
  f.Part(Circle(0.88, 0.06, 0.1, 14), {255, 242, 160});
  f.Patch(RoundedBox(-0.96, -0.02, -0.86, 0.14, 0.04), {214, 52, 52});
  for (const double wheel : {-0.54, 0.54}) {
    f.Part(Circle(wheel, 0.44, r, 22), {52, 50, 56});
    f.Part(Circle(wheel, 0.44, 0.5 * r, 16), c3);
  }
  f.Shine(x - 0.4 * cw, top + 0.1, 0.25, 0.4);
}

void House(Figure& f) {
  const Rgb c2 = f.colour(1), c3 = f.colour(2);
  const double w = 0.58 + 0.17 * f.proportion(0), rise = 0.5 + 0.18 * f.proportion(1);
  const double eaves = -0.15, dx = 0.1 * f.proportion(2);
  if (f.instance().accessory == 1) f.Part(RoundedBox(0.3, -0.86, 0.54, -0.1, 0.03), c3);
  if (f.instance().accessory == 2) Flag(f, 0, eaves - rise + 0.05, 0.46, c3);
  f.Body(Points({-w, eaves - 0.02, w, eaves - 0.02, w, 0.8, -w, 0.8}));
  f.Part(Points({-w - 0.2, eaves + 0.04, 0, eaves - rise, w + 0.2, eaves + 0.04}), c2);
  f.Part(RoundedBox(-0.68 * w, 0.24, -0.68 * w + 0.35, 0.8, 0.07), c3);
  f.Patch(Circle(-0.68 * w + 0.27, 0.54, 0.035, 8), kWhite);
  f.Part(RoundedBox(0.07 + dx, 0.14, 0.43 + dx, 0.5, 0.03), kGlass);
  f.Stroke(Points({0.25 + dx, 0.16, 0.25 + dx, 0.48}), 0.05, kWhite);
  f.Stroke(Points({0.09 + dx, 0.32, 0.41 + dx, 0.32}), 0.05, kWhite);
  if (f.instance().accessory == 3) f.Part(Star(0, eaves - 0.38 * rise, 0.2), c3);
}

void Fish(Figure& f) {
  const Rgb c2 = f.colour(1), c3 = f.colour(2);
  const double rx = 0.6 + 0.12 * f.proportion(0), ry = 0.38 + 0.15 * f.proportion(1);
  const double tail = 0.42 + 0.1 * f.proportion(2), smile = 0.04 * f.proportion(3);
  f.Part(Points({-0.78 * rx, 0.02, -0.86, -tail, -1.06, -tail - 0.04, -0.93, 0, -1.06, tail + 0.04,
                 -0.86, tail}),
         c2);
  switch (f.instance().accessory) {
    case 1:
      f.Part(Points({-0.4, -0.7 * ry, -0.36, -ry - 0.46, -0.2, -ry - 0.44, 0.36, -0.75 * ry}), c3);
      break;
    case 2:
      for (const double x : {-0.3, -0.02, 0.26}) {
        f.Part(Points({x - 0.15, -0.75 * ry, x, -ry - 0.26, x + 0.15, -0.75 * ry}), c3);
      }
      break;
    default:
      f.Part(Ellipse(0, -0.82 * ry, 0.34, 0.24, {.from = 180, .to = 360, .points = 12}), c2);
  }
  f.Part(Points({-0.12, 0.75 * ry, 0.16, 0.75 * ry, -0.12, ry + 0.28}), c2);
  f.Body(Ellipse(0.05, 0, rx, ry, {.points = 34}));
  f.Part(Points({-0.18, 0.02, 0.14, 0.06, 0.0, 0.17, -0.2, 0.28}), c3);
  Eye(f, 0.4, -0.1, 0.145);
  f.Stroke(Ellipse(0.56, 0.1 - smile, 0.12, 0.08 + smile, {.from = 50, .to = 160, .points = 7}),
           0.05, kInk);
  f.Shine(-0.05, -0.55 * ry, 0.3, 0.4);
  if (f.instance().accessory == 3) Hat(f, 0.2, -0.9 * ry, 0.27, c3);
}

void Teapot(Figure& f) {
  const Rgb c2 = f.colour(1), c3 = f.colour(2);
  const double rx = 0.52 + 0.1 * f.proportion(0), ry = 0.42 + 0.13 * f.proportion(1);
  const double knob = 0.06 * f.proportion(2), lip = 0.08 * f.proportion(3);
  if (f.instance().accessory == 3) Steam(f, 0.92, -0.46 - lip);
  f.Limb(Ellipse(-0.92 * rx, 0.08, 0.34, 0.33, {.from = 85, .to = 275, .points = 14}), 0.14, c2);
  f.Part(Points({0.7 * rx, 0.42, 0.72 * rx, 0.0, 0.74, -0.14, 0.82, -0.4 - lip, 1.04, -0.38 - lip,
                 0.99, -0.05, 0.84, 0.22}),
         c2);
  f.Part(RoundedBox(-0.36, ry, 0.36, ry + 0.22, 0.06), c2);
  f.Body(Ellipse(0, 0.12, rx, ry, {.points = 34}));
  f.Part(Circle(0, 0.12 - 0.9 * ry - 0.26 - knob, 0.11, 14), c3);
  f.Part(Ellipse(0, 0.14 - 0.86 * ry, 0.38, 0.23, {.from = 180, .to = 360, .points = 14}), c2);
  if (f.instance().accessory == 1) f.Part(Heart(0, 0.16, 0.27), c3);
  if (f.instance().accessory == 2) f.Part(Star(0, 0.17, 0.31), c3);
  f.Shine(-0.45 * rx, -0.2 * ry, 0.32, 0.5);
}

void Duck(Figure& f) {
  const Rgb c1 = f.colour(0), c2 = f.colour(1), c3 = f.colour(2);
  const double rx = 0.6 + 0.1 * f.proportion(0), ry = 0.38 + 0.09 * f.proportion(1);
  const double r = 0.29 + 0.07 * f.proportion(2), x = 0.36, y = -0.4 - 0.1 * f.proportion(3);
  f.Part(Points({-0.6 * rx, 0.3, -0.98, -0.16, -0.7, -0.02, -0.3, 0.1}), c1);
  f.Part(Points({x - 0.85 * r, y, x + 0.8 * r, y + 0.1, 0.44, 0.3, -0.1, 0.2}), c1);
  f.Body(Ellipse(-0.1, 0.35, rx, ry, {.points = 34}));
  f.Patch(Points({x - 0.8 * r, y, x + 0.75 * r, y + 0.1, 0.36, 0.12, 0.02, 0.1}), c1);
  f.Part(Points({x + 0.7 * r, y - 0.12, x + r + 0.2, y - 0.03, x + r + 0.34, y + 0.06, x + r + 0.16,
                 y + 0.15, x + 0.7 * r, y + 0.19}),
         c3);
  f.Part(Circle(x, y, r, 26), c1);
  f.Part(Ellipse(-0.2, 0.32, 0.32, 0.21, {.turn = 14, .points = 22}), c2);
  DarkEye(f, x + 0.36 * r, y - 0.2 * r, 0.085);
  f.Shine(x - 0.35 * r, y - 0.4 * r, 0.22, 0.45);
  if (f.instance().accessory == 1) Hat(f, x - 0.02, y - 0.86 * r, 0.27, c2);
  if (f.instance().accessory == 2) BowTie(f, x - 0.02, y + r + 0.1, 0.22, c2);
  if (f.instance().accessory == 3) {
    f.Limb(Points({x - 0.75 * r, y + 1.1 * r, x - 0.95 * r, y + r + 0.42}), 0.17, c2 * 0.9);
    f.Limb(
        Points({x - 0.9 * r, y + 0.92 * r, x - 0.1 * r, y + 1.12 * r, x + 0.6 * r, y + 0.98 * r}),
        0.19, c2);
  }
}

void Bear(Figure& f) {
  const Rgb c1 = f.colour(0), c2 = f.colour(1), c3 = f.colour(2);
  const double bw = 0.44 + 0.12 * f.proportion(0), hr = 0.36 + 0.06 * f.proportion(1);
  const double ear = 0.14 + 0.06 * f.proportion(2), snout = 0.17 + 0.05 * f.proportion(3);
  const double crown = -0.4 - 0.74 * hr;
  for (const double e : {-1.0, 1.0}) {
    f.Part(Circle(e * 0.82 * hr, crown, ear), c1);
    f.Patch(Circle(e * 0.82 * hr, crown, 0.55 * ear, 14), c2);
    f.Part(Ellipse(e * (bw + 0.06), 0.25, 0.165, 0.28, {.turn = -e * 32, .points = 20}), c1);
  }
  f.Body(Ellipse(0, 0.42, bw, 0.48, {.points = 32}));
  for (const double e : {-1.0, 1.0}) {
    f.Part(Ellipse(e * 0.78 * bw, 0.83, 0.2, 0.165, {.points = 20}), c1);
    f.Patch(Ellipse(e * 0.78 * bw, 0.85, 0.1, 0.08, {.points = 12}), c2);
  }
  f.Part(Ellipse(0, -0.4, hr + 0.05, hr, {.points = 30}), c1);
  f.Patch(Ellipse(0, -0.27, snout + 0.04, snout, {.points = 20}), c2);
  f.Patch(Ellipse(0, -0.345, 0.085, 0.06, {.points = 12}), kInk);
  f.Stroke(Points({0, -0.32, 0, -0.22}), 0.035, kInk);
  for (const double e : {-1.0, 1.0}) DarkEye(f, e * 0.18, -0.51, 0.07);
  f.Shine(-0.4 * hr, -0.4 - 0.5 * hr, 0.22, 0.35);
  if (f.instance().accessory == 1) Hat(f, 0, -0.4 - 0.86 * hr, 0.29, c3);
  if (f.instance().accessory == 2) BowTie(f, 0, 0.05, 0.25, c3);
  if (f.instance().accessory == 3) {
    f.Limb(Points({0.2, 0.02, 0.27, 0.4}), 0.17, c3 * 0.9);
    f.Limb(Points({-0.33, -0.05, 0, 0.03, 0.33, -0.05}), 0.19, c3);
  }
}

void Ball(Figure& f) {
  const Rgb c2 = f.colour(1), c3 = f.colour(2);
  const double r = 0.7 + 0.12 * f.proportion(0), y = 0.1;
  f.Body(Circle(0, y, r, 40));
  if (f.instance().pattern == kPlain) {  // a cap, so that plain balls show colour 2, too
    const double half = 0.8 * r, top = y - 0.6 * r;
    Shape cap = Ellipse(0, y, r, r, {.from = 217, .to = 323, .points = 13});
    const Shape rim = Ellipse(0, top, half, 0.14 * r, {.from = 0, .to = 180, .points = 9});
    cap.insert(cap.end(), rim.begin(), rim.end());
    f.Part(cap, c2);
  }
  if (f.instance().accessory == 3) {  // a band around the middle, seen slightly from above
    const double half = 0.13 + 0.05 * f.proportion(1), sag = 0.1 + 0.06 * f.proportion(2);
    const double cut = std::sqrt(r * r - half * half);
    Shape band = Ellipse(0, y - half, cut, sag, {.from = 180, .to = 0, .points = 13});
    const Shape lower = Ellipse(0, y + half, cut, sag, {.from = 0, .to = 180, .points = 13});
    band.insert(band.end(), lower.begin(), lower.end());
    f.Part(band, c3);
  }
  if (f.instance().accessory == 1) f.Part(Star(0, y + 0.02, 0.42), c3);
  if (f.instance().accessory == 2) f.Part(Heart(0, y + 0.02, 0.36), c3);
  f.Shine(-0.42 * r, y - 0.5 * r, 0.36, 0.85);
}

void Backpack(Figure& f) {
  const Rgb c2 = f.colour(1), c3 = f.colour(2);
  const double w = 0.52 + 0.11 * f.proportion(0), h = 0.62 + 0.1 * f.proportion(1);
  const double pocket = 0.26 + 0.09 * f.proportion(2), curve = 0.08 * f.proportion(3);
  if (f.instance().accessory == 3) Flag(f, 0.5 * w, -h + 0.1, 0.5, c3);
  f.Limb(Ellipse(0, -h, 0.2, 0.22, {.from = 180, .to = 360, .points = 12}), 0.1, c2);
  for (const double e : {-1.0, 1.0}) {
    f.Part(RoundedBox(e * w - 0.15, 0.0, e * w + 0.15, 0.6, 0.12), c2);
  }
  f.Body(RoundedBox(-w, -h, w, 0.85, 0.32));
  f.Stroke(Ellipse(0, -0.06 - curve, 0.86 * w, 0.34, {.from = 192, .to = 348, .points = 12}), 0.05,
           f.colour(0) * 0.4);
  f.Part(RoundedBox(-0.72 * w, pocket, 0.72 * w, 0.74, 0.11), c2);
  f.Stroke(Points({-0.6 * w, pocket + 0.13, 0.6 * w, pocket + 0.13}), 0.05, c2 * 0.4);
  f.Part(RoundedBox(-0.05, pocket + 0.1, 0.05, pocket + 0.27, 0.03), c3);
  if (f.instance().accessory == 1) f.Part(Star(0, -0.12, 0.27), c3);
  if (f.instance().accessory == 2) f.Part(Heart(0, -0.14, 0.24), c3);
  f.Shine(-0.55 * w, -0.65 * h, 0.28, 0.4);
}

}  // namespace

void DrawToy(Figure& figure) {
  switch (figure.instance().toy_class) {
    case kRobot:
      return Robot(figure);
    case kMug:
      return Mug(figure);
    case kCar:
      return Car(figure);
    case kHouse:
      return House(figure);
    case kFish:
      return Fish(figure);
    case kTeapot:
      return Teapot(figure);
    case kDuck:
      return Duck(figure);
    case kBear:
      return Bear(figure);
    case kBall:
      return Ball(figure);
    default:
      return Backpack(figure);
  }
}

double Underside(int toy_class) {
  constexpr double kUnderside[kClassCount] = {0.98, 0.8,  0.68, 0.8,  0.72,
                                              0.76, 0.74, 0.97, 0.88, 0.86};
  return kUnderside[toy_class];
}

}  // namespace vico::toyworld
