#include "server/store/lease_batches.h"

#include <latch>
#include <thread>

#include <gmock/gmock.h>

#include "common/status.h"
#include "tests/support/processes.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using Call = LeaseBatches::Call;

LeaseQuery QueryOf(int number, const std::string& nonce = "nonce") {
  LeaseQuery query;
  query.worker = "worker-" + std::to_string(number);
  query.nonce = nonce;
  query.devices = number;
  return query;
}

/// Holds a call of worker 0 until `others` wait behind it.
class LeaseBatchesTest : public testing::Test {
 protected:
  void RunBehindOne(const std::vector<LeaseQuery>& others) {
    std::latch blocked(1);
    std::latch go(1);
    std::thread first([&] {
      const LeaseQuery query = QueryOf(0);
      Call call(query);
      batches_.Run(call, [&](std::span<Call* const>) {
        blocked.count_down();
        go.wait();
        return absl::OkStatus();
      });
    });
    blocked.wait();
    answers_.resize(others.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < others.size(); ++i) {
      threads.emplace_back([&, i] {
        Call call(others[i]);
        batches_.Run(call, [this](std::span<Call* const> calls) { return Grant(calls); });
        answers_[i] = call.status;
      });
      EXPECT_TRUE(Eventually([&] { return batches_.IsBusyWith(others[i]); }));
      if (i > 0 && others[i].devices == others[i - 1].devices) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
    go.count_down();
    first.join();
    for (std::thread& thread : threads) thread.join();
  }

  absl::Status Grant(std::span<Call* const> calls) {
    sizes_.push_back(calls.size());
    for (const Call* call : calls) {
      if (call->query.devices == bad_) return error_;
    }
    return absl::OkStatus();
  }

  LeaseBatches batches_;
  std::vector<size_t> sizes_;  // of the batches behind the first
  std::vector<absl::Status> answers_;
  int bad_ = -1;  // devices of the call that fails
  absl::Status error_ = absl::DataLossError("a row");
};

TEST(SuitTheSameTest, CallsForOtherKindsAreSuitedByOtherJobs) {
  LeaseQuery all = QueryOf(1);
  LeaseQuery trainings = QueryOf(1);
  trainings.kinds = {v1::JOB_KIND_TRAINING};
  EXPECT_TRUE(SuitTheSame(all, all));
  EXPECT_TRUE(SuitTheSame(trainings, trainings));
  EXPECT_FALSE(SuitTheSame(all, trainings));
}

TEST_F(LeaseBatchesTest, CallsThatWaitShareTheNextBatch) {
  RunBehindOne({QueryOf(1), QueryOf(2), QueryOf(3)});
  EXPECT_THAT(sizes_, testing::ElementsAre(3));
  EXPECT_THAT(answers_, testing::Each(IsOk()));
  EXPECT_FALSE(batches_.IsBusyWith(QueryOf(1)));
}

TEST_F(LeaseBatchesTest, ACallThatFailsSpoilsNoOther) {
  bad_ = 2;
  RunBehindOne({QueryOf(1), QueryOf(2), QueryOf(3)});
  EXPECT_THAT(sizes_, testing::ElementsAre(3, 1, 1, 1));
  EXPECT_THAT(answers_[0], IsOk());
  EXPECT_EQ(answers_[1], error_);
  EXPECT_THAT(answers_[2], IsOk());
}

TEST_F(LeaseBatchesTest, WhenTheDatabaseIsAwayNobodyTriesAgain) {
  bad_ = 2;
  error_ = absl::UnavailableError("away");
  RunBehindOne({QueryOf(1), QueryOf(2), QueryOf(3)});
  EXPECT_THAT(sizes_, testing::ElementsAre(3));
  EXPECT_THAT(answers_, testing::Each(error_));
}

TEST_F(LeaseBatchesTest, ARepeatIsNotServedWithItsCall) {
  RunBehindOne({QueryOf(1), QueryOf(1), QueryOf(1, "other")});
  EXPECT_THAT(sizes_, testing::ElementsAre(1, 2));
  EXPECT_THAT(answers_, testing::Each(IsOk()));
}

}  // namespace
}  // namespace vico::server
