#include "worker/job/reporter.h"

#include <future>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/worker/job/events.h"
#include "tests/worker/job/fake_server_link.h"

namespace vico::worker {
namespace {

class ReporterTest : public testing::Test {
 protected:
  std::unique_ptr<Reporter> Start(absl::Duration fence = absl::Seconds(20)) {
    Reporter::Options options;
    options.timing.shortest_gap =
        absl::ZeroDuration();  // so that reports and retries are due at once
    options.timing.fence = fence;
    options.on_hang = [this] { hung_.set_value(); };
    return std::make_unique<Reporter>(link_, clock_, Log::Off(),
                                      LeaseKey{.job = "jobs/1", .lease_id = "lease"}, options);
  }

  FakeClock clock_;
  FakeServerLink link_;
  std::promise<void> hung_;
};

TEST_F(ReporterTest, ReportsAtOnceWithoutAnyEvent) {
  const auto reporter = Start();

  ASSERT_TRUE(link_.WaitForCalls("Report", 1));
  EXPECT_EQ(link_.reports()[0].job(), "jobs/1");
  EXPECT_EQ(link_.reports()[0].lease_id(), "lease");
  EXPECT_EQ(link_.reports()[0].report_number(), 1u);
}

TEST_F(ReporterTest, EventsArriveInOrder) {
  const auto reporter = Start();
  for (int i = 0; i < 20; ++i) reporter->Add(WarningEvent(std::to_string(i)));
  EXPECT_EQ(reporter->FlushAndStop(), Verdict::kGoOn);

  const auto events = link_.events();
  ASSERT_EQ(events.size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(events[i].warning().reason(), std::to_string(i));
}

TEST_F(ReporterTest, FlushWaitsForTheServerAndRepeatsTheReport) {
  link_.report_script = {AnswerWith(v1::DIRECTIVE_CONTINUE), absl::UnavailableError("away"),
                         absl::DeadlineExceededError("slow"), AnswerWith(v1::DIRECTIVE_CONTINUE)};
  const auto reporter = Start();
  ASSERT_TRUE(link_.WaitForCalls("Report", 1));
  reporter->Add(WarningEvent("A"));

  EXPECT_EQ(reporter->FlushAndStop(), Verdict::kGoOn);

  const auto reports = link_.reports();
  ASSERT_EQ(reports.size(), 4u);
  EXPECT_EQ(reports[1].report_number(), 2u);
  EXPECT_EQ(reports[2].SerializeAsString(), reports[1].SerializeAsString());
  EXPECT_EQ(reports[3].SerializeAsString(), reports[1].SerializeAsString());
}

TEST_F(ReporterTest, ACancelReachesTheJob) {
  link_.AnswerReportsWith(AnswerWith(v1::DIRECTIVE_CANCEL));
  const auto reporter = Start();
  reporter->Add(WarningEvent("A"));

  EXPECT_EQ(reporter->FlushAndStop(), Verdict::kCancel);
  EXPECT_EQ(reporter->Poll(), Verdict::kCancel);
}

TEST_F(ReporterTest, ALostLeaseEndsTheReports) {
  link_.report_script = {absl::AbortedError("stale")};
  const auto reporter = Start();
  ASSERT_TRUE(link_.WaitForCalls("Report", 1));
  reporter->Add(WarningEvent("A"));

  EXPECT_EQ(reporter->FlushAndStop(), Verdict::kLost);
  EXPECT_EQ(link_.reports().size(), 1u);
}

TEST_F(ReporterTest, TheJobFencesItselfIfTheServerStaysUnavailable) {
  link_.AnswerReportsWith(absl::UnavailableError("away"));
  const auto reporter = Start();
  ASSERT_TRUE(link_.WaitForCalls("Report", 1));
  EXPECT_EQ(reporter->Poll(), Verdict::kGoOn);

  clock_.Advance(absl::Seconds(20.5));

  EXPECT_EQ(reporter->Poll(), Verdict::kLost);
  EXPECT_EQ(reporter->FlushAndStop(), Verdict::kLost);
}

TEST_F(ReporterTest, AHungJobLosesItsLease) {
  const auto reporter = Start(absl::InfiniteDuration());
  const Reporter::Watch watch(*reporter);

  clock_.Advance(absl::Seconds(121));
  reporter->Add(WarningEvent("wake"));

  EXPECT_EQ(hung_.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(reporter->Poll(), Verdict::kLost);
}

TEST_F(ReporterTest, ARestSuspendsTheWatch) {
  const auto reporter = Start(absl::InfiniteDuration());
  const Reporter::Watch watch(*reporter);
  ASSERT_TRUE(link_.WaitForCalls("Report", 1));
  {
    const Reporter::Rest rest(*reporter);
    clock_.Advance(absl::Seconds(121));
    reporter->Add(WarningEvent("wake"));
    ASSERT_TRUE(link_.WaitForCalls("Report", 2));
  }

  EXPECT_EQ(reporter->FlushAndStop(), Verdict::kGoOn);
}

}  // namespace
}  // namespace vico::worker
