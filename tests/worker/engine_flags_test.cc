#include "worker/engine_flags.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace vico::worker {
namespace {

/// The error of --device with this value; empty if it is accepted.
std::string ErrorOf(const std::string& device) {
  EngineFlags flags;
  CLI::App app;
  AddEngineFlags(app, flags);
  try {
    app.parse("--base-model base --device " + device);
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  EXPECT_EQ(flags.device, device);
  return "";
}

TEST(EngineFlagsTest, ADeviceIsANameOrAListOfOneKind) {
  for (const char* device :
       {"auto", "cpu", "cpu,cpu,cpu,cpu", "cuda", "cuda:1", "cuda:0,cuda:1,cuda:7"}) {
    EXPECT_EQ(ErrorOf(device), "") << device;
  }
  for (const char* device :
       {"gpu", "cpu,", "cpu,cuda:0", "cuda,cuda", "cuda:", "auto,cpu", "cpu:1"}) {
    EXPECT_NE(ErrorOf(device).find("must be auto, cuda, or a list"), std::string::npos) << device;
  }
}

TEST(EngineFlagsTest, TheEngineGetsTheWorkersFlags) {
  EngineFlags flags;
  flags.base_models = {"base"};
  flags.device = "cuda:0,cuda:1";
  flags.prepack_weights = false;
  flags.reference_cache_mib = 77;
  flags.batch_jobs = 7;
  flags.batch_rows = 9;
  flags.training_share = 0.1;
  flags.clip = "clip";
  flags.dino = "dino";
  CLI::App app;
  EngineFlags again;
  AddEngineFlags(app, again);
  std::vector<std::string> words = EngineArguments(flags);
  std::reverse(words.begin(), words.end());  // as parse() takes them
  app.parse(std::move(words));
  EXPECT_EQ(again.device, "cuda:0,cuda:1");
  EXPECT_FALSE(again.prepack_weights);
  EXPECT_EQ(again.reference_cache_mib, 77);
  EXPECT_EQ(again.batch_jobs, 7);
  EXPECT_EQ(again.batch_rows, 9);
  EXPECT_EQ(again.training_share, 0.1);
  EXPECT_EQ(again.clip, "clip");
  EXPECT_EQ(again.dino, "dino");
}

}  // namespace
}  // namespace vico::worker
