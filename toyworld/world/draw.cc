// vico-toyworld-draw: draws a contact sheet of the world and prints the speed.
#include <chrono>
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "toyworld/world/contact_sheet.h"
#include "toyworld/world/world.h"

int main(int argc, char** argv) {
  CLI::App app("Draws random pictures of the toy world");
  std::string out = "world.png", toy_class;
  int count = 96, columns = 12, tile = 128;
  uint64_t seed = 0;
  app.add_option("--out", out, "contact sheet to write (PNG)")->capture_default_str();
  app.add_option("--count", count, "number of pictures")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--columns", columns)->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--tile", tile, "side of a picture on the sheet, in pixels")
      ->check(CLI::Range(16, 1024))
      ->capture_default_str();
  app.add_option("--seed", seed, "seed of the first picture")->capture_default_str();
  app.add_option("--class", toy_class, "only toys of this class, in one scene after another");
  CLI11_PARSE(app, argc, argv);
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
