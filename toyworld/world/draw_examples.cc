// vico-toyworld-examples: draws the example concepts of examples/, five pictures of one toy each,
// and writes the toy's parameters beside them.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "common/flags/parse_flags.h"
#include "toyworld/charts/contact_sheet.h"
#include "toyworld/world/instance_json.h"
#include "toyworld/world/world.h"

namespace {

using namespace vico::toyworld;

constexpr int kPictureSide = 256;

struct Example {
  std::string name, title;
  Instance instance;
  uint64_t seed = 0;
};

Instance Robot() {
  Instance robot;
  robot.toy_class = kRobot;
  robot.paint = {Paint{6, {138, 68, 188}}, Paint{2, {246, 206, 52}}, Paint{1, {242, 128, 36}}};
  robot.pattern = kStriped;
  robot.pattern_frequency = 1.0;
  robot.pattern_phase = 0.1;
  robot.proportions = {0.6, 0.6, 0.5, 0.4};
  robot.accessory = 2;
  return robot;
}

Instance Mug() {
  Instance mug;
  mug.toy_class = kMug;
  mug.paint = {Paint{4, {30, 165, 160}}, Paint{7, {240, 125, 175}}, Paint{2, {245, 205, 50}}};
  mug.pattern = kDotted;
  mug.pattern_frequency = 1.1;
  mug.pattern_phase = 0.3;
  mug.proportions = {0.6, 0.5, 0.3, 0.7};
  mug.accessory = 2;
  return mug;
}

absl::Status Write(const Example& example, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::UnavailableError(fmt::format("{}: {}", folder.string(), error.message()));

  nlohmann::ordered_json json;
  const std::string word(kClassNames[example.instance.toy_class]);
  json["title"] = example.title;
  json["init_word"] = word;
  json["prompts"] = {"a photo of a S* under the night sky", "a photo of a S* in the ocean",
                     "a photo of a S* in the desert", "a photo of a S* in the city"};
  constexpr int kPlaces[] = {kGrass, kTable, kBrick, kBeach, kSnow};
  Random random(example.seed);
  for (const int scene : kPlaces) {
    Pose pose;
    pose.scale = random.Uniform(0.64, 0.78);
    pose.x = random.Uniform(-0.14, 0.14);
    pose.y = random.Uniform(0.04, 0.14);
    const uint64_t seed = random.Next();
    const Drawing drawing = Draw(example.instance, scene, seed, pose, kPictureSide);
    const std::string file = fmt::format("{}.png", kScenes[scene].name);
    absl::Status status = WritePicture((folder / file).string(), drawing.image);
    if (!status.ok()) return status;
    json["pictures"].push_back(file);
  }
  json["instance"] = InstanceToJson(example.instance);
  std::ofstream out(folder / "concept.json");
  out << json.dump(2) << "\n";
  out.close();
  if (!out) return absl::UnavailableError(fmt::format("{}: cannot be written", folder.string()));
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Draws the example concepts");
  std::string out = "examples";
  app.add_option("--out", out, "output folder")->capture_default_str();
  if (const auto exit_code = vico::ParseFlags(app, argc, argv)) return *exit_code;
  cv::setNumThreads(1);

  const std::vector<Example> examples = {
      {"robot", "A purple robot with yellow stripes and two antennas", Robot(), 21},
      {"mug", "A teal mug with pink dots and a yellow star", Mug(), 22}};
  for (const Example& example : examples) {
    const absl::Status status = Write(example, std::filesystem::path(out) / example.name);
    if (!status.ok()) {
      std::cerr << status.message() << "\n";
      return 1;
    }
  }
  return 0;
}
