// A training on several devices whose engine dies or hangs in the middle of a step: the worker
// starts the engine again and ends with the bits of an undisturbed training on one device, under
// one lease.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/support/processes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/worker/job/fake_server_link.h"
#include "worker/job/run_job.h"
#include "worker/process/engine_process.h"

namespace vico::worker {
namespace {

// The first checkpoint is due after step 50.
constexpr int kSteps = 60;
constexpr int kLastStepBeforeTheLoss = 54;

std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Ended {
  std::string adapter;  // the file
  v1::TrainingSummary summary;
  std::vector<int64_t> steps;  // reported, in order
  std::vector<std::string> warnings;
};

class SeveralDevicesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder();
    const Finished made = RunToEnd({VICO_TINY_BASE_BINARY, folder_->path() + "/tiny"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    undisturbed_ = new Ended(Train("cpu"));
    ASSERT_FALSE(undisturbed_->adapter.empty());
    ASSERT_EQ(undisturbed_->steps.back(), kSteps);
    ASSERT_THAT(undisturbed_->warnings, testing::IsEmpty());
  }
  static void TearDownTestSuite() {
    delete undisturbed_;
    delete folder_;
  }

  void TearDown() override {
    unsetenv("VICO_FAILPOINTS");
    unsetenv("VICO_FAILPOINT_HITS");
  }

  static Ended Train(const std::string& device) {
    const Log log = Log::Off();
    auto engine = EngineProcess::Open(
        {.command = {VICO_ENGINE_BINARY, "--base-model", folder_->path() + "/tiny", "--device",
                     device, "--threads", "2", "--log-level", "off"}},
        log);
    EXPECT_THAT(engine, IsOk());
    if (!engine.ok()) return {};
    // Of an engine that hangs. A step takes some milliseconds.
    (*engine)->SetHang(absl::Seconds(20));
    FakeServerLink link;
    const SystemClock clock;
    SystemPause pause;
    const LeaseKey lease{.job = "jobs/1", .lease_id = "lease"};
    Reporter reporter(link, clock, log, lease, {.timing = {}, .jitter_seed = 1, .on_hang = {}});
    JobContext context(link, reporter, clock, pause, lease, {});
    const auto outcome = RunJob(Job(link), **engine, context, log);
    EXPECT_EQ(reporter.FlushAndStop(), Verdict::kGoOn);
    if (!outcome || !outcome->has_trained()) {
      ADD_FAILURE() << (outcome ? outcome->ShortDebugString() : "the lease is lost");
      return {};
    }
    Ended ended;
    ended.adapter = link.blobs.at(outcome->trained().adapter().sha256());
    ended.summary = outcome->trained().summary();
    for (const v1::Event& event : link.events()) {
      if (event.has_progress()) ended.steps.push_back(event.progress().step());
      if (event.has_warning()) ended.warnings.push_back(event.warning().message());
    }
    return ended;
  }

  /// Arms the failpoint of the engine and trains on two devices.
  static void ExpectTheSameAfter(const std::string& action, const std::string& warning) {
    const std::string hits = folder_->path() + "/hits of " + action;
    setenv("VICO_FAILPOINT_HITS", hits.c_str(), 1);
    const std::string armed =
        "train.mid_step=" + action + "@" + std::to_string(kLastStepBeforeTheLoss + 1);
    setenv("VICO_FAILPOINTS", armed.c_str(), 1);
    const Ended ended = Train("cpu,cpu");
    EXPECT_THAT(BytesOf(hits), testing::HasSubstr("train.mid_step " + action));
    EXPECT_THAT(ended.warnings, testing::ElementsAre(testing::HasSubstr(warning)));
    EXPECT_THAT(ended.warnings, testing::ElementsAre(testing::HasSubstr("after step 50")));
    EXPECT_EQ(ended.adapter, undisturbed_->adapter);
    EXPECT_EQ(ended.summary.steps(), kSteps);
    EXPECT_EQ(ended.summary.first_loss(), undisturbed_->summary.first_loss());
    EXPECT_EQ(ended.summary.last_loss(), undisturbed_->summary.last_loss());
    for (size_t i = 1; i < ended.steps.size(); ++i) {
      EXPECT_GT(ended.steps[i], ended.steps[i - 1]) << "progress counts once";
    }
    EXPECT_EQ(ended.steps.back(), kSteps);
  }

  static v1::LeasedJob Job(FakeServerLink& link) {
    v1::LeasedJob job;
    job.set_job("jobs/1");
    job.set_lease_id("lease");
    job.set_attempt(1);
    v1::TrainSpec& spec = *job.mutable_spec()->mutable_train();
    spec.set_base_model("baseModels/tiny");
    spec.set_init_word("mug");
    spec.set_placeholder("S*");
    spec.set_dialect(v1::DIALECT_PAPER);
    spec.set_steps(kSteps);
    spec.set_batch_size(2);
    spec.set_devices(2);  // one device places both rows
    spec.set_embedding_learning_rate(5e-3);
    spec.set_attention_learning_rate(1e-3);
    spec.set_regularizer_weight(5e-4);
    spec.set_mask(true);
    spec.set_seed(11);
    for (const char* name : {"beach", "brick"}) {
      *job.add_pictures()->mutable_blob() =
          link.Stored(BytesOf(std::string("examples/mug/") + name + ".png"));
    }
    return job;
  }

  static inline TempFolder* folder_ = nullptr;
  static inline Ended* undisturbed_ = nullptr;
};

TEST_F(SeveralDevicesTest, AnUndisturbedTrainingHasTheSameBits) {
  const Ended ended = Train("cpu,cpu");
  EXPECT_EQ(ended.adapter, undisturbed_->adapter);
  EXPECT_EQ(ended.summary.last_loss(), undisturbed_->summary.last_loss());
}

TEST_F(SeveralDevicesTest, AnEngineThatDiesInAStepIsReplaced) {
  ExpectTheSameAfter("kill9", "the engine died: signal 9");
}

TEST_F(SeveralDevicesTest, AnEngineThatHangsInAStepIsReplaced) {
  ExpectTheSameAfter("sleep(600000)", "the engine sent nothing for 20 s");
}

}  // namespace
}  // namespace vico::worker
