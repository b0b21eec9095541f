#include "worker/job/report_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"
#include "tests/worker/job/events.h"

namespace vico::worker {
namespace {

constexpr absl::Duration kStart = absl::Seconds(100);

v1::Event Progress(int64_t step) {
  v1::Event event;
  event.mutable_progress()->set_step(step);
  return event;
}

class ReportPlanTest : public testing::Test {
 protected:
  /// One acknowledged report at `now`.
  void Acknowledge(absl::Duration now) {
    plan_.Begin(now);
    v1::ReportResponse answer;
    answer.mutable_next_report_in()->set_seconds(5);
    plan_.End(answer, now);
  }

  ReportPlan plan_{{.job = "jobs/1", .lease_id = "lease"}, ReportTiming(), 7, kStart};
};

TEST_F(ReportPlanTest, TheFirstReportIsDueAtOnce) { EXPECT_EQ(plan_.due(), kStart); }

TEST_F(ReportPlanTest, AHeartbeatIsDueAfterTheServersIntervalWithJitter) {
  std::vector<absl::Duration> gaps;
  absl::Duration now = kStart;
  for (int i = 0; i < 50; ++i) {
    Acknowledge(now);
    gaps.push_back(plan_.due() - now);
    now = plan_.due();
  }

  EXPECT_THAT(gaps, testing::Each(testing::AllOf(testing::Ge(absl::Seconds(4)),
                                                 testing::Le(absl::Seconds(6)))));
  EXPECT_NE(gaps.front(), gaps.back());
}

TEST_F(ReportPlanTest, TheServerSetsTheIntervalUpToAThirdOfTheLease) {
  v1::ReportResponse slow;
  slow.mutable_next_report_in()->set_seconds(3600);
  v1::ReportResponse quick;
  quick.mutable_next_report_in()->set_seconds(1);

  plan_.Begin(kStart);
  plan_.End(slow, kStart);
  EXPECT_EQ(plan_.due(), kStart + absl::Seconds(10));
  plan_.Begin(kStart);
  plan_.End(quick, kStart);
  EXPECT_LE(plan_.due(), kStart + absl::Milliseconds(1200));
}

TEST_F(ReportPlanTest, AnEventIsDueAtOnceAfterAPause) {
  Acknowledge(kStart);
  plan_.Add(WarningEvent("LATE"));

  EXPECT_LE(plan_.due(), kStart + absl::Seconds(3));
}

TEST_F(ReportPlanTest, EventsAreReportedAtMostFourTimesASecond) {
  Acknowledge(kStart);
  plan_.Add(Progress(1));

  EXPECT_EQ(plan_.due(), kStart + absl::Milliseconds(250));
}

TEST_F(ReportPlanTest, AfterHurryEventsAreDueAtOnce) {
  Acknowledge(kStart);
  plan_.Add(Progress(1));
  plan_.Hurry();

  EXPECT_LE(plan_.due(), kStart);
}

TEST_F(ReportPlanTest, ProgressReplacesProgressButNoOtherEventIsDroppedOrOvertaken) {
  plan_.Add(Progress(1));
  plan_.Add(Progress(2));
  plan_.Add(WarningEvent("A"));
  plan_.Add(WarningEvent("B"));
  plan_.Add(Progress(3));
  plan_.Add(Progress(4));

  const auto& request = plan_.Begin(kStart);

  ASSERT_EQ(request.events_size(), 4);
  EXPECT_EQ(request.events(0).progress().step(), 2);
  EXPECT_EQ(request.events(1).warning().reason(), "A");
  EXPECT_EQ(request.events(2).warning().reason(), "B");
  EXPECT_EQ(request.events(3).progress().step(), 4);
}

TEST_F(ReportPlanTest, AnUnacknowledgedReportIsRepeatedUnchanged) {
  plan_.Add(WarningEvent("A"));
  const std::string first = plan_.Begin(kStart).SerializeAsString();
  plan_.End(absl::UnavailableError("away"), kStart);
  plan_.Add(WarningEvent("B"));

  const absl::Duration retry = plan_.due();
  EXPECT_GT(retry, kStart);
  EXPECT_LE(retry, kStart + absl::Milliseconds(250));
  EXPECT_EQ(plan_.Begin(retry).SerializeAsString(), first);
  EXPECT_FALSE(plan_.all_acknowledged());
}

TEST_F(ReportPlanTest, NumbersRiseByOneWithEachAcknowledgedReport) {
  EXPECT_EQ(plan_.Begin(kStart).report_number(), 1u);
  plan_.End(absl::DeadlineExceededError("slow"), kStart);
  EXPECT_EQ(plan_.Begin(kStart).report_number(), 1u);
  plan_.End(v1::ReportResponse(), kStart);
  EXPECT_EQ(plan_.Begin(kStart).report_number(), 2u);
}

TEST_F(ReportPlanTest, AllIsAcknowledgedOnceEveryEventWas) {
  EXPECT_TRUE(plan_.all_acknowledged());
  plan_.Add(WarningEvent("A"));
  EXPECT_FALSE(plan_.all_acknowledged());
  plan_.Begin(kStart);
  EXPECT_FALSE(plan_.all_acknowledged());
  plan_.End(v1::ReportResponse(), kStart);
  EXPECT_TRUE(plan_.all_acknowledged());
}

TEST_F(ReportPlanTest, ManyEventsTakeSeveralReports) {
  for (int i = 0; i < 300; ++i) plan_.Add(WarningEvent(std::to_string(i)));

  EXPECT_EQ(plan_.Begin(kStart).events_size(), 256);
  plan_.End(v1::ReportResponse(), kStart);
  EXPECT_EQ(plan_.Begin(kStart).events_size(), 44);
}

TEST_F(ReportPlanTest, AStaleLeaseIsLostAtOnce) {
  for (const absl::Status& status :
       {absl::AbortedError("stale"), absl::NotFoundError("gone"), absl::PermissionDeniedError("no"),
        absl::InvalidArgumentError("bad")}) {
    ReportPlan plan({.job = "jobs/1", .lease_id = "lease"}, ReportTiming(), 7, kStart);
    plan.Begin(kStart);
    plan.End(status, kStart);
    EXPECT_EQ(plan.Judge(kStart), Verdict::kLost) << status;
  }
}

TEST_F(ReportPlanTest, TheFenceCountsFromWhenTheLastAcknowledgedReportWasSent) {
  plan_.Begin(kStart + absl::Seconds(5));
  plan_.End(v1::ReportResponse(), kStart + absl::Seconds(9));  // the answer took four seconds

  EXPECT_EQ(plan_.Judge(kStart + absl::Seconds(25)), Verdict::kGoOn);
  EXPECT_EQ(plan_.Judge(kStart + absl::Seconds(25.001)), Verdict::kLost);
}

TEST_F(ReportPlanTest, AnUnansweredReportDoesNotMoveTheFence) {
  Acknowledge(kStart);
  plan_.Begin(kStart + absl::Seconds(15));
  plan_.End(absl::UnavailableError("away"), kStart + absl::Seconds(15));

  EXPECT_EQ(plan_.Judge(kStart + absl::Seconds(20.001)), Verdict::kLost);
}

TEST_F(ReportPlanTest, ALostLeaseStaysLost) {
  EXPECT_EQ(plan_.Judge(kStart + absl::Seconds(21)), Verdict::kLost);
  Acknowledge(kStart + absl::Seconds(21));

  EXPECT_EQ(plan_.Judge(kStart + absl::Seconds(21)), Verdict::kLost);
}

TEST_F(ReportPlanTest, TheServersDirectiveIsTheVerdict) {
  for (const auto& [directive, verdict] : {std::pair{v1::DIRECTIVE_CONTINUE, Verdict::kGoOn},
                                           std::pair{v1::DIRECTIVE_CANCEL, Verdict::kCancel},
                                           std::pair{v1::DIRECTIVE_DRAIN, Verdict::kDrain}}) {
    v1::ReportResponse response;
    response.set_directive(directive);
    plan_.Begin(kStart);
    plan_.End(response, kStart);
    EXPECT_EQ(plan_.Judge(kStart), verdict);
  }
}

TEST_F(ReportPlanTest, AWatchedJobWithoutNoteAliveLosesItsLease) {
  plan_.StartWatching(kStart);
  for (int seconds = 0; seconds <= 120; seconds += 10) Acknowledge(kStart + absl::Seconds(seconds));

  EXPECT_EQ(plan_.Judge(kStart + absl::Seconds(120)), Verdict::kGoOn);
  EXPECT_FALSE(plan_.hung());
  EXPECT_EQ(plan_.Judge(kStart + absl::Seconds(121)), Verdict::kLost);
  EXPECT_TRUE(plan_.hung());
}

TEST_F(ReportPlanTest, NoteAliveOrTheEndOfTheWatchKeepsTheLease) {
  plan_.StartWatching(kStart);
  plan_.NoteAlive(kStart + absl::Seconds(100));
  Acknowledge(kStart + absl::Seconds(200));
  EXPECT_EQ(plan_.Judge(kStart + absl::Seconds(200)), Verdict::kGoOn);

  plan_.StopWatching();
  Acknowledge(kStart + absl::Seconds(900));
  EXPECT_EQ(plan_.Judge(kStart + absl::Seconds(900)), Verdict::kGoOn);
}

TEST(ReportTimingTest, AShorterLeaseScalesTheTimes) {
  const ReportTiming whole = ReportTiming::ForLease(absl::Seconds(30));
  EXPECT_EQ(whole.longest_gap, absl::Seconds(10));
  EXPECT_EQ(whole.fence, absl::Seconds(20));

  const ReportTiming tenth = ReportTiming::ForLease(absl::Seconds(3));
  EXPECT_EQ(tenth.longest_gap, absl::Seconds(1));
  EXPECT_EQ(tenth.fence, absl::Seconds(2));
  EXPECT_EQ(tenth.hang, whole.hang);
}

}  // namespace
}  // namespace vico::worker
