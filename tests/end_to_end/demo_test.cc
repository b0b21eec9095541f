// scripts/demo with this build: it writes the files that it promises and cleans up. And one
// training and generation with the base model in toyworld/base.
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>

#include "common/crypto/sha256.h"
#include "tests/end_to_end/cluster.h"
#include "tests/end_to_end/watcher.h"

namespace vico::end_to_end {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Command lines of running processes that contain the text.
std::vector<std::string> ProcessesWith(const std::string& text) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string command = ReadFile(entry.path() / "cmdline");
    if (command.find(text) != std::string::npos) found.push_back(command);
  }
  return found;
}

class DemoTest : public ::testing::Test {
 protected:
  std::vector<std::string> Demo(const std::vector<std::string>& more) const {
    // clang-format off
    std::vector<std::string> command = {
        "env", "TMPDIR=" + folder_.path() + "/tmp", "scripts/demo", "--build", VICO_BUILD,
        "--base-model", TinyBase(), "--threads", "1", "--out", out()};
    // clang-format on
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  void SetUp() override { fs::create_directory(folder_.path() + "/tmp"); }
  std::string out() const { return folder_.path() + "/out"; }
  // No temporary file and no process is left.
  void ExpectCleanedUp() const {
    EXPECT_TRUE(fs::is_empty(folder_.path() + "/tmp"));
    EXPECT_THAT(ProcessesWith(folder_.path() + "/tmp"), IsEmpty());
  }

  TempFolder folder_;
};

TEST_F(DemoTest, WritesPicturesSheetAdapterAndReport) {
  const Finished demo = RunToEnd(Demo({"--steps", "4"}), std::chrono::minutes(5));
  ASSERT_EQ(demo.exit_code, 0) << demo.out << demo.err;
  ExpectCleanedUp();

  const auto report = nlohmann::json::parse(ReadFile(out() + "/report.json"));
  EXPECT_EQ(report.at("base_model"), "baseModels/tiny");
  EXPECT_EQ(report.at("dialect"), "paper");
  EXPECT_EQ(report.at("images"), 5);
  EXPECT_EQ(report.at("train_steps"), 4);
  for (const char* measured : {"train_seconds", "seconds_per_step", "first_loss", "last_loss",
                               "generate_seconds_per_picture"}) {
    EXPECT_GT(report.at(measured).get<double>(), 0.0) << measured;
  }
  EXPECT_GE(report.at("mask_coverage").get<double>(), 0.0);
  EXPECT_GT(report.at("peak_rss_mb").at("server").get<double>(), 1.0);
  EXPECT_GT(report.at("peak_rss_mb").at("worker").get<double>(), 1.0);
  EXPECT_GT(report.at("peak_rss_mb").at("engine").get<double>(), 50.0);
  EXPECT_TRUE(report.at("concept_fidelity")
                  .at("after")
                  .is_null());  // measured with the toy world's base only
  ASSERT_EQ(report.at("pictures").size(),
            16U);  // four prompts, two pictures each, before and after
  for (const auto& picture : report.at("pictures")) {
    const std::string file = picture.at("file");
    EXPECT_EQ(Sha256Hex(ReadFile(out() + "/" + file)), picture.at("sha256")) << file;
  }
  EXPECT_FALSE(cv::imread(out() + "/contact_sheet.png").empty());
  EXPECT_GT(fs::file_size(out() + "/adapter.safetensors"), 1000U);
}

TEST_F(DemoTest, UsesTheGivenPicturesAndPrompts) {
  const Finished demo = RunToEnd(Demo({"--images", "examples/mug", "--init-word", "mug", "--steps",
                                       "2", "--prompt", "a photo of S* in the snow"}),
                                 std::chrono::minutes(5));
  ASSERT_EQ(demo.exit_code, 0) << demo.out << demo.err;
  std::multiset<std::string> prompts;
  const auto report = nlohmann::json::parse(ReadFile(out() + "/report.json"));
  for (const auto& picture : report.at("pictures")) prompts.insert(picture.at("prompt"));
  EXPECT_EQ(prompts, (std::multiset<std::string>{
                         "a photo of S* in the snow", "a photo of S* in the snow",
                         "a photo of a mug in the snow", "a photo of a mug in the snow"}));
}

TEST_F(DemoTest, ScaledOutUsesThreeServersAndCleansUp) {
  const Finished demo =
      RunToEnd(Demo({"--scaled-out", "--steps", "4", "--prompt", "a photo of S* in the snow"}),
               std::chrono::minutes(5));
  ASSERT_EQ(demo.exit_code, 0) << demo.out << demo.err;
  ExpectCleanedUp();
  EXPECT_THAT(ProcessesWith("vico-scaled-out."), IsEmpty());
  for (const char* server : {"server 1", "server 2", "server 3"}) {
    EXPECT_THAT(demo.out, ContainsRegex(std::string(server) + " answered [1-9][0-9]* calls"));
  }
  EXPECT_FALSE(cv::imread(out() + "/contact_sheet.png").empty());
}

TEST_F(DemoTest, CleansUpOnSigterm) {
  ProcessOptions options;
  options.out = options.err = folder_.path() + "/log";
  Process demo(Demo({"--steps", "5000"}), options);
  ASSERT_TRUE(Eventually([&] {
    return ReadFile(options.out).find("train  ") != std::string::npos;
  })) << ReadFile(options.out);
  EXPECT_FALSE(ProcessesWith(folder_.path() + "/tmp").empty());
  demo.Signal(SIGTERM);
  EXPECT_EQ(demo.Wait(std::chrono::seconds(60)), 143) << ReadFile(options.out);
  ExpectCleanedUp();
}

TEST_F(DemoTest, WrongOptionsEndItBeforeAnythingStarts) {
  const Finished demo = RunToEnd(Demo({"--images", folder_.path()}));
  EXPECT_EQ(demo.exit_code, 1);
  EXPECT_THAT(demo.err, HasSubstr("--init-word"));
  ExpectCleanedUp();
}

TEST(ShippedBaseTest, TrainsAndDraws) {
  if (!fs::exists("toyworld/base/model_index.json")) {
    GTEST_SKIP() << "toyworld/base is not in this checkout";
  }
  ClusterOptions options;
  options.base_model = "toyworld/base";
  Cluster cluster(options);
  ASSERT_TRUE(cluster.StartServer());
  ASSERT_TRUE(cluster.StartWorker());
  const auto client = cluster.NewClient();
  const auto uploaded = client->UploadConcept(ExamplePictures(), "robot");
  ASSERT_TRUE(uploaded.ok()) << uploaded.status();
  v1::TrainSpec spec;
  spec.set_concept_name(uploaded->name());
  spec.set_init_word("robot");
  spec.set_steps(10);
  const auto job = client->CreateTrainingJob(spec);
  ASSERT_TRUE(job.ok()) << job.status();
  const auto last = Watcher(cluster.NewClient(), job->name()).WaitForEnd();
  ASSERT_TRUE(last.ok() && last->has_succeeded()) << last.status() << cluster.worker_log();

  const TempFolder out;
  for (const std::string& with : {last->succeeded().adapter(), std::string("-")}) {
    const Finished generate = cluster.Vico(
        {"generate", with, "a photo of a S* on the beach", "--seed", "1", "--out", out.path()});
    ASSERT_EQ(generate.exit_code, 0) << generate.err;
    cv::Mat picture = cv::imread(generate.out.substr(0, generate.out.find('\n')));
    ASSERT_FALSE(picture.empty());
    cv::Scalar mean, deviation;
    cv::meanStdDev(picture, mean, deviation);
    EXPECT_GT(deviation[0] + deviation[1] + deviation[2], 30.0) << "the picture is almost uniform";
  }
}

}  // namespace
}  // namespace vico::end_to_end
