// Tests the table of job states against its documented page and against the SQL statement.
#include "server/jobs/job_states.h"

#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "common/status.h"
#include "server/rows/job_rows.h"
#include "server/sql/sqlite_database.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

constexpr uint32_t kLastGuard = guard::kCrashesSpent;
const absl::Time kNow = absl::FromUnixSeconds(5000);

bool ChangesARow(const Transition& transition) {
  return transition.from != v1::JOB_STATE_UNSPECIFIED;
}

TEST(JobStatesPageTest, TheDocumentedPageMatchesTheTable) {
  std::ifstream file("docs/job-states.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(page, JobStatesPage())
      << "make it anew: build/release/bin/job_states_page > docs/job-states.md";
}

TEST(JobStatesTest, FinalStatesNeverChangeAndOthersDo) {
  for (const auto state :
       {v1::JOB_STATE_SUCCEEDED, v1::JOB_STATE_FAILED, v1::JOB_STATE_CANCELLED}) {
    EXPECT_TRUE(IsTerminal(state));
    for (int to = v1::JobState_MIN; to <= v1::JobState_MAX; ++to) {
      EXPECT_FALSE(IsLegal(state, static_cast<v1::JobState>(to))) << StateName(state);
    }
  }
  EXPECT_FALSE(IsTerminal(v1::JOB_STATE_QUEUED));
  EXPECT_FALSE(IsTerminal(v1::JOB_STATE_RUNNING));
  EXPECT_FALSE(IsTerminal(v1::JOB_STATE_UNSPECIFIED));
}

TEST(JobStatesTest, AQueuedJobCannotSucceed) {
  EXPECT_FALSE(IsLegal(v1::JOB_STATE_QUEUED, v1::JOB_STATE_SUCCEEDED));
  EXPECT_TRUE(IsLegal(v1::JOB_STATE_QUEUED, v1::JOB_STATE_FAILED));
  EXPECT_TRUE(IsLegal(v1::JOB_STATE_QUEUED, v1::JOB_STATE_CANCELLED));
}

TEST(JobStatesTest, OnlyALeaseRaisesTheAttempt) {
  for (const Transition& row : Transitions()) {
    EXPECT_EQ(row.attempts, row.change == JobChange::kLease ? 1 : 0) << row.name;
  }
}

TEST(JobStatesTest, EveryChangeByAWorkerUnderALeaseIsFenced) {
  for (const Transition& row : Transitions()) {
    if (row.who == "worker" && row.change != JobChange::kLease) {
      EXPECT_TRUE(row.guards & guard::kHolder) << row.name;
    }
  }
}

class JobStatesRowTest : public testing::Test {
 protected:
  JobStatesRowTest() {
    auto database = SqliteDatabase::Open(folder_.path() + "/vico.db");
    EXPECT_THAT(database, IsOk());
    database_ = *std::move(database);
    JobRow row;
    row.tenant = "default";
    row.job.set_name("jobs/1");
    row.job.mutable_spec()->mutable_generate()->set_base_model("baseModels/toy");
    EXPECT_THAT(database_->Write([&](SqlSession& db) {
      return InsertJob(db, absl::FromUnixSeconds(1), {}, row);
    }),
                IsOk());
  }

  /// A row in `state` where `guards` are true and all other guards, as far as possible, false.
  JobRow Put(v1::JobState state, uint32_t guards) {
    const bool running = state == v1::JOB_STATE_RUNNING;
    const auto has = [&](uint32_t bit) { return (guards & bit) != 0; };
    EXPECT_THAT(database_->Write([&](SqlSession& db) {
      return db
          .Execute(
              "UPDATE job SET state = ?, attempt = 3, failures = ?, crashes = ?, "
              "cancel_requested = ?, not_before = ?, lease_id = ?, lease_until = ?, "
              "queue_until = ?, deadline = ?",
              {StateName(state), int64_t{has(guard::kFailuresSpent) ? kFailureBudget - 1 : 0},
               int64_t{has(guard::kCrashesSpent) ? kCrashBudget - 1 : 0},
               int64_t{has(guard::kCancelled)}, has(guard::kDue) ? 0 : int64_t{9'000'000'000},
               running ? SqlValue(std::string_view("lease_1")) : SqlValue(nullptr),
               running ? SqlValue(has(guard::kExpired) ? 1 : int64_t{9'000'000'000})
                       : SqlValue(nullptr),
               has(guard::kWaitedOut) ? 1 : int64_t{9'000'000'000},
               has(guard::kOverdue) ? 1 : int64_t{9'000'000'000}})
          .status();
    }),
                IsOk());
    return Stored();
  }

  JobRow Stored() {
    JobRow row;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(row, FindJob(db, "jobs/1"));
      return absl::OkStatus();
    }),
                IsOk());
    return row;
  }

  static JobRow Changed(const Transition& transition, v1::JobState to, const JobRow& before) {
    JobRow row = before;
    row.job.set_state(to);
    row.job.set_attempt(before.job.attempt() + transition.attempts);
    row.failures += transition.failures;
    row.crashes += transition.crashes;
    if (transition.sets_cancel) row.job.set_cancel_requested(true);
    if (transition.lease == LeaseEffect::kBegins) {
      row.lease_id = "lease_2";
      row.lease_until = absl::FromUnixSeconds(5030);
    } else if (transition.lease != LeaseEffect::kStays) {
      row.lease_id.clear();
    }
    return row;
  }

  absl::Status Save(JobChange change, const JobRow& before, const JobRow& after) {
    return database_->Write(
        [&](SqlSession& db) { return SaveJob(db, change, kNow, before, after); });
  }

  TempFolder folder_;
  std::unique_ptr<Database> database_;
};

TEST_F(JobStatesRowTest, EveryChangeWorksWhereItsGuardsHold) {
  for (const Transition& row : Transitions()) {
    if (!ChangesARow(row)) continue;
    const JobRow before = Put(row.from, row.guards);
    const JobRow after = Changed(row, row.to, before);
    EXPECT_THAT(Save(row.change, before, after), IsOk()) << row.name;
    EXPECT_EQ(Stored().job.state(), row.to) << row.name;
    EXPECT_EQ(Stored().job.attempt(), after.job.attempt()) << row.name;
  }
}

// The statement itself refuses a change if the caller's check is missing or outdated.
TEST_F(JobStatesRowTest, EveryBrokenGuardStopsTheStatement) {
  int checked = 0;
  for (const Transition& row : Transitions()) {
    for (uint32_t bit = 1; bit <= kLastGuard; bit <<= 1) {
      if (!ChangesARow(row) || (row.guards & bit) == 0) continue;
      uint32_t others = row.guards & ~bit;
      if (bit == guard::kNotCancelled) others |= guard::kCancelled;
      if (bit == guard::kFailuresLeft) others |= guard::kFailuresSpent;
      if (bit == guard::kCrashesLeft) others |= guard::kCrashesSpent;
      JobRow before = Put(row.from, others);
      if (bit == guard::kHolder) before.lease_id = "lease_0";
      EXPECT_THAT(Save(row.change, before, Changed(row, row.to, before)), HasReason("LEASE_LOST"))
          << row.name << ", guard " << bit;
      EXPECT_EQ(Stored().job.state(), row.from) << row.name;
      ++checked;
    }
  }
  EXPECT_GE(checked, 25);
}

TEST_F(JobStatesRowTest, EveryOtherPairOfStatesIsRefusedForEveryChange) {
  for (const Transition& row : Transitions()) {
    for (int from = v1::JOB_STATE_QUEUED; from <= v1::JobState_MAX; ++from) {
      for (int to = v1::JOB_STATE_QUEUED; to <= v1::JobState_MAX; ++to) {
        if (from == row.from && to == row.to) continue;
        const JobRow before = Put(static_cast<v1::JobState>(from), row.guards);
        const JobRow after = Changed(row, static_cast<v1::JobState>(to), before);
        EXPECT_THAT(Save(row.change, before, after), HasCode(absl::StatusCode::kInternal))
            << row.name << " from " << from << " to " << to;
        EXPECT_EQ(Stored().job.state(), from);
      }
    }
  }
}

TEST_F(JobStatesRowTest, AChangeThatDiffersFromTheTableIsAnInternalError) {
  const Transition& release = TransitionOf(JobChange::kRelease);
  const JobRow before = Put(release.from, release.guards);
  const JobRow right = Changed(release, release.to, before);
  for (int kind = 0; kind < 5; ++kind) {
    JobRow wrong = right;
    if (kind == 0) wrong.job.set_attempt(right.job.attempt() + 1);
    if (kind == 1) wrong.failures += 1;
    if (kind == 2) wrong.crashes += 1;
    if (kind == 3) wrong.job.set_cancel_requested(true);
    if (kind == 4) wrong.lease_id = before.lease_id;
    EXPECT_THAT(Save(release.change, before, wrong), HasCode(absl::StatusCode::kInternal)) << kind;
  }
  EXPECT_THAT(Save(release.change, before, right), IsOk());
}

}  // namespace
}  // namespace vico::server
