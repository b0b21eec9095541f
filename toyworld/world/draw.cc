// vico-toyworld-draw: draws a contact sheet of the world and prints the speed.
#include <chrono>
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "common/flags/number_flags.h"
#include "common/flags/parse_flags.h"
#include "toyworld/charts/contact_sheet.h"
#include "toyworld/world/world.h"

int main(int argc, char** argv) {
  CLI::App app("Draws random pictures of the toy world");
  std::string out = "world.png", toy_class;
  int count = 96, columns = 12, tile = 128;
  uint64_t seed = 0;
  app.add_option("--out", out, "contact sheet to write (PNG)")->capture_default_str();
  vico::AddNumber(app, "--count", count, "number of pictures", {1, 100'000});
  vico::AddNumber(app, "--columns", columns, "pictures in a row", {1, 100});
  vico::AddNumber(app, "--tile", tile, "side of a picture on the sheet, in pixels", {16, 1024});
  vico::AddNumber(app, "--seed", seed, "seed of the first picture");
  app.add_option("--class", toy_class, "only toys of this class, in one scene after another");
  if (const auto exit_code = vico::ParseFlags(app, argc, argv)) return *exit_code;
  cv::setNumThreads(1);

  using namespace vico::toyworld;
  const int only = ClassIndex(toy_class);
  if (!toy_class.empty() && only < 0) {
    std::cerr << fmt::format("--class: no class {} in the world\n", toy_class);
    return 2;
  }
  std::vector<cv::Mat> pictures;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    if (only < 0) {
      const Drawing drawing = DrawCaptioned(seed + i);
      if (i < columns) fmt::print("{}\n", drawing.caption);
      pictures.push_back(drawing.image);
    } else {
      Random random(seed + i);
      pictures.push_back(Draw(RandomInstance(random, only), i % kSceneCount, seed + i).image);
    }
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  fmt::print("{:.0f} pictures/s on one thread\n", count / taken.count());

  SheetOptions sheet;
  sheet.tile = tile;
  sheet.gap = 2;
  const absl::Status status = WritePicture(out, ContactSheet(pictures, columns, sheet));
  if (!status.ok()) {
    std::cerr << status.message() << "\n";
    return 1;
  }
  return 0;
}
