// A worker with an unusable base model names the wrong file and ends. Worker and server write no
// core dumps.
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/end_to_end/cluster.h"

namespace vico::end_to_end {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class WorkerStartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.StartServer());
    base_ = cluster_.folder() + "/base";
    fs::copy(TinyBase(), base_, fs::copy_options::recursive);
  }

  static std::string WeightsIn(const std::string& folder) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".safetensors") return entry.path();
    }
    ADD_FAILURE() << "no weights in " << folder;
    return "";
  }

  void ExpectRefused(const std::string& file) {
    const Finished worker = RunToEnd(cluster_.WorkerCommand(base_), std::chrono::seconds(60));
    EXPECT_GT(worker.exit_code, 0) << worker.out << worker.err;
    EXPECT_LT(worker.exit_code, 126);
    EXPECT_THAT(worker.err, HasSubstr(file));
  }

  Cluster cluster_;
  std::string base_;
};

TEST_F(WorkerStartTest, AMissingFolderIsNamed) {
  base_ += "/nowhere";
  ExpectRefused("nowhere");
}

TEST_F(WorkerStartTest, EachMissingFileIsNamed) {
  for (const char* file : {"tokenizer/vocab.json", "tokenizer/merges.txt",
                           "text_encoder/config.json", "unet/config.json", "vae/config.json"}) {
    fs::rename(base_ + "/" + file, base_ + "/hidden");
    ExpectRefused(file);
    fs::rename(base_ + "/hidden", base_ + "/" + file);
  }
}

TEST_F(WorkerStartTest, MissingWeightsAreNamed) {
  for (const char* part : {"text_encoder", "unet", "vae"}) {
    const std::string weights = WeightsIn(base_ + "/" + part);
    fs::rename(weights, base_ + "/hidden");
    ExpectRefused(part);
    fs::rename(base_ + "/hidden", weights);
  }
}

TEST_F(WorkerStartTest, AnUnsupportedModelIsNamed) {
  WriteFile(base_ + "/model_index.json", "{\"_class_name\": \"StableDiffusionXLPipeline\"}");
  ExpectRefused("StableDiffusionXLPipeline is Stable Diffusion XL");
}

TEST_F(WorkerStartTest, AFileWithOnlyOneNetworkIsRefused) {
  base_ = WeightsIn(base_ + "/unet");
  ExpectRefused("is one network of a base model");
}

TEST_F(WorkerStartTest, BrokenWeightsAreNamed) {
  const std::string weights = WeightsIn(base_ + "/unet");
  fs::resize_file(weights, fs::file_size(weights) / 2);
  ExpectRefused("unet/");
}

TEST_F(WorkerStartTest, ABrokenConfigurationIsNamed) {
  WriteFile(base_ + "/vae/config.json", "{\"sample_size\": ");
  ExpectRefused("vae/config.json");
}

TEST_F(WorkerStartTest, WeightsOfAnotherShapeAreNamed) {
  fs::copy_file(WeightsIn(base_ + "/vae"), WeightsIn(base_ + "/unet"),
                fs::copy_options::overwrite_existing);
  ExpectRefused("unet");
}

TEST(CoreDumpTest, ServerAndWorkerDisableCoreDumps) {
  rlimit before{};
  getrlimit(RLIMIT_CORE, &before);
  if (before.rlim_max == 0) GTEST_SKIP() << "this machine allows no core dumps";
  const rlimit most{before.rlim_max, before.rlim_max};
  setrlimit(RLIMIT_CORE, &most);
  Cluster cluster;
  const bool up = cluster.StartServer() && cluster.StartWorker();
  setrlimit(RLIMIT_CORE, &before);
  ASSERT_TRUE(up);
  for (const Process* program : {&cluster.server(), &cluster.worker()}) {
    EXPECT_THAT(ReadFile("/proc/" + std::to_string(program->pid()) + "/limits"),
                ::testing::ContainsRegex("Max core file size +0 +0"));
  }
}

}  // namespace
}  // namespace vico::end_to_end
