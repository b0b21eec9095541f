// A fixture with a running training, for tests that disturb it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/cluster.h"
#include "tests/end_to_end/watcher.h"

namespace vico::end_to_end {

constexpr int kTrainingSteps = 120;

class TrainingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.StartServer());
    ASSERT_TRUE(cluster_.StartWorker());
    client_ = cluster_.NewClient();
    const auto uploaded = client_->UploadConcept(ExamplePictures(), "robot");
    ASSERT_TRUE(uploaded.ok()) << uploaded.status();
    spec_.set_concept_name(uploaded->name());
    spec_.set_init_word("robot");
    spec_.set_steps(kTrainingSteps);
    spec_.set_seed(7);
    const auto job = client_->CreateTrainingJob(spec_);
    ASSERT_TRUE(job.ok()) << job.status();
    job_ = job->name();
  }

  std::string AdapterDigest(const std::string& job) {
    const auto ended = client_->GetJob(job);
    if (!ended.ok()) return "";
    const auto adapter = client_->GetAdapter(ended->adapter());
    return adapter.ok() ? adapter->blob().sha256() : "";
  }

  // Runs the same training without disturbance and compares the adapters.
  void ExpectSameAdapterUndisturbed() {
    const auto job = client_->CreateTrainingJob(spec_);
    ASSERT_TRUE(job.ok()) << job.status();
    Watcher watcher(cluster_.NewClient(), job->name());
    ASSERT_TRUE(watcher.WaitForEnd().ok());
    EXPECT_EQ(client_->GetJob(job->name())->attempt(), 1);
    EXPECT_THAT(AdapterDigest(job_), testing::SizeIs(64));
    EXPECT_EQ(AdapterDigest(job_), AdapterDigest(job->name()));
    // A watch that downloads pictures also works for a job with checkpoints.
    const TempFolder folder;
    const Finished watched = cluster_.Vico({"jobs", "watch", job->name(), "--out", folder.path()});
    EXPECT_EQ(watched.exit_code, 0) << watched.err;
  }

  static bool IsCheckpoint(const v1::Event& event) { return event.has_checkpoint(); }

  // The first step that the second attempt reports; 0 if there is none.
  static int64_t FirstStepOfSecondAttempt(const std::vector<v1::Event>& events) {
    for (const v1::Event& event : events) {
      if (event.attempt() == 2 && event.has_progress()) return event.progress().step();
    }
    return 0;
  }

  // Otherwise the disturbance would come too late.
  void ExpectStillRunning() {
    const auto job = client_->GetJob(job_);
    ASSERT_TRUE(job.ok()) << job.status();
    ASSERT_EQ(job->state(), v1::JOB_STATE_RUNNING);
    ASSERT_LT(job->step(), kTrainingSteps);
  }

  void ExpectCompleteSuccess(Watcher& watcher) {
    const auto last = watcher.WaitForEnd();
    ASSERT_TRUE(last.ok()) << last.status() << cluster_.server_log() << cluster_.worker_log();
    ASSERT_TRUE(last->has_succeeded()) << last->ShortDebugString();
    EXPECT_TRUE(AreConsecutive(watcher.events()));
    EXPECT_EQ(watcher.events().back().sequence(), last->sequence());
    const TempFolder folder;
    EXPECT_TRUE(client_->DownloadAdapter(last->succeeded().adapter(), folder.path() + "/a").ok());
  }

  Cluster cluster_;
  std::unique_ptr<client::Client> client_;
  v1::TrainSpec spec_;
  std::string job_;
};

}  // namespace vico::end_to_end
