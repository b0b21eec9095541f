// Measures the cost of decoding each picture in a process of its own: decodes the same files in
// this process and by vico-decode. The difference is the most that a pool of processes could save.
#include "server/pictures/decoder/decode.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "server/pictures/decoder_process.h"
#include "server/pictures/scan/picture_scan.h"

namespace {

using Clock = std::chrono::steady_clock;

double Milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// The median of `times` runs, in milliseconds.
template <class Run>
double Median(int times, const Run& run) {
  std::vector<double> took;
  for (int i = 0; i < times; ++i) {
    const auto began = Clock::now();
    run();
    took.push_back(Milliseconds(Clock::now() - began));
  }
  std::nth_element(took.begin(), took.begin() + times / 2, took.end());
  return took[static_cast<size_t>(times / 2)];
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Measures the time to decode pictures in this process and in a process of their own.");
  std::string program;
  int times = 51;
  std::vector<std::string> files;
  app.add_option("--decoder", program, "Path of vico-decode")->required();
  app.add_option("--times", times, "Runs of each")->check(CLI::Range(1, 100'000));
  app.add_option("FILE", files, "PNGs, JPEGs and WebPs")->required();
  CLI11_PARSE(app, argc, argv);

  const auto decoder = vico::server::DecoderProcess::Start({.program = program}, vico::Log::Off());
  if (!decoder.ok()) {
    std::fprintf(stderr, "%s\n", decoder.status().ToString().c_str());
    return 1;
  }
  std::printf("%12s %12s %14s  %s\n", "pixels", "here, ms", "process, ms", "file");
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto scanned = vico::server::ScanPicture(bytes, {});
    if (!scanned.ok() || !(*decoder)->Decode(*scanned).ok()) {
      std::fprintf(stderr, "%s: is refused\n", file.c_str());
      return 1;
    }
    const double here = Median(times, [&] {
      vico::server::Pixels pixels;
      vico::server::DecodePicture({.file = scanned->stripped,
                                   .width = scanned->width,
                                   .height = scanned->height,
                                   .orientation = scanned->orientation,
                                   .shrink = scanned->shrink,
                                   .colour = scanned->colour,
                                   .colour_data = scanned->colour_data},
                                  pixels);
    });
    const double there =
        Median(times, [&] { (*decoder)->Decode(*scanned).status().IgnoreError(); });
    std::printf("%12llu %12.2f %14.2f  %s\n",
                static_cast<unsigned long long>(uint64_t{scanned->width} * scanned->height), here,
                there, file.c_str());
  }
  return 0;
}
