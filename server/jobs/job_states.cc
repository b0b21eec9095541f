#include "server/jobs/job_states.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace vico::server {
namespace {

// For the table below.
using namespace guard;  // NOLINT

constexpr auto kNoJob = v1::JOB_STATE_UNSPECIFIED;
constexpr auto kQueued = v1::JOB_STATE_QUEUED;
constexpr auto kRunning = v1::JOB_STATE_RUNNING;
constexpr auto kSucceeded = v1::JOB_STATE_SUCCEEDED;
constexpr auto kFailed = v1::JOB_STATE_FAILED;
constexpr auto kCancelledState = v1::JOB_STATE_CANCELLED;

constexpr std::string_view kClient = "client";
constexpr std::string_view kWorker = "worker";
constexpr std::string_view kHousekeeping = "housekeeping";

constexpr std::array<Transition, 19> kTable{{
    {.change = JobChange::kSubmit,
     .name = "submit",
     .from = kNoJob,
     .to = kQueued,
     .who = kClient,
     .effect = "inputs exist, queue limits hold; attempt 0"},
    {.change = JobChange::kLease,
     .name = "lease",
     .from = kQueued,
     .to = kRunning,
     .who = kWorker,
     .guards = kDue | kNotCancelled,
     .lease = LeaseEffect::kBegins,
     .attempts = 1,
     .effect = "the tenant runs fewer jobs of the kind than its limit"},
    {.change = JobChange::kReport,
     .name = "report",
     .from = kRunning,
     .to = kRunning,
     .who = kWorker,
     .guards = kHolder,
     .lease = LeaseEffect::kStays,
     .effect = "a full lease time from now; also for a Lease that repeats its nonce. A repeated "
               "report number adds no event"},
    {.change = JobChange::kExtend,
     .name = "extend",
     .from = kRunning,
     .to = kRunning,
     .who = kHousekeeping,
     .lease = LeaseEffect::kStays,
     .effect =
         "after a pause or a restart of the server: every lease gets a full lease time from now"},
    {.change = JobChange::kAskToStop,
     .name = "ask to stop",
     .from = kRunning,
     .to = kRunning,
     .who = kClient,
     .guards = kNotCancelled,
     .lease = LeaseEffect::kStays,
     .sets_cancel = true,
     .effect = "the worker receives it with its next report"},
    {.change = JobChange::kSucceed,
     .name = "finish: result",
     .from = kRunning,
     .to = kSucceeded,
     .who = kWorker,
     .guards = kHolder | kNotCancelled,
     .lease = LeaseEffect::kEnds,
     .effect = "the result's blobs are stored; the job references them from now on"},
    {.change = JobChange::kRetry,
     .name = "finish: retryable failure",
     .from = kRunning,
     .to = kQueued,
     .who = kWorker,
     .guards = kHolder | kNotCancelled | kFailuresLeft,
     .lease = LeaseEffect::kEnds,
     .failures = 1,
     .effect = "no wait the first time, then rand(0, 10 s * 2^n), at most 10 min"},
    {.change = JobChange::kCrash,
     .name = "finish: engine died",
     .from = kRunning,
     .to = kQueued,
     .who = kWorker,
     .guards = kHolder | kNotCancelled | kCrashesLeft,
     .lease = LeaseEffect::kEnds,
     .crashes = 1},
    {.change = JobChange::kRelease,
     .name = "finish: released",
     .from = kRunning,
     .to = kQueued,
     .who = kWorker,
     .guards = kHolder | kNotCancelled,
     .lease = LeaseEffect::kEnds,
     .effect = "uses no budget"},
    {.change = JobChange::kExpire,
     .name = "lease ran out",
     .from = kRunning,
     .to = kQueued,
     .who = kHousekeeping,
     .guards = kExpired | kNotCancelled | kCrashesLeft,
     .lease = LeaseEffect::kEnds,
     .crashes = 1},
    {.change = JobChange::kFail,
     .name = "finish: lasting failure",
     .from = kRunning,
     .to = kFailed,
     .who = kWorker,
     .guards = kHolder | kNotCancelled,
     .lease = LeaseEffect::kEnds,
     .effect = "the worker's error"},
    {.change = JobChange::kSpend,
     .name = "finish: last retryable failure",
     .from = kRunning,
     .to = kFailed,
     .who = kWorker,
     .guards = kHolder | kNotCancelled | kFailuresSpent,
     .lease = LeaseEffect::kEnds,
     .failures = 1,
     .effect = "RETRIES_SPENT"},
    {.change = JobChange::kCrashOut,
     .name = "finish: engine died last time",
     .from = kRunning,
     .to = kFailed,
     .who = kWorker,
     .guards = kHolder | kNotCancelled | kCrashesSpent,
     .lease = LeaseEffect::kEnds,
     .crashes = 1,
     .effect = "WORKER_LOST"},
    {.change = JobChange::kLose,
     .name = "last lease ran out",
     .from = kRunning,
     .to = kFailed,
     .who = kHousekeeping,
     .guards = kExpired | kNotCancelled | kCrashesSpent,
     .lease = LeaseEffect::kEnds,
     .crashes = 1,
     .effect = "WORKER_LOST"},
    {.change = JobChange::kOverrun,
     .name = "deadline passed",
     .from = kRunning,
     .to = kFailed,
     .who = kHousekeeping,
     .guards = kOverdue,
     .lease = LeaseEffect::kEnds,
     .effect = "DEADLINE_PASSED"},
    {.change = JobChange::kTimeOut,
     .name = "waited too long",
     .from = kQueued,
     .to = kFailed,
     .who = kHousekeeping,
     .guards = kWaitedOut,
     .effect = "QUEUE_TIMEOUT"},
    {.change = JobChange::kCancel,
     .name = "cancel",
     .from = kQueued,
     .to = kCancelledState,
     .who = kClient,
     .guards = kNotCancelled,
     .sets_cancel = true},
    {.change = JobChange::kStop,
     .name = "finish after a cancel",
     .from = kRunning,
     .to = kCancelledState,
     .who = kWorker,
     .guards = kHolder | kCancelled,
     .lease = LeaseEffect::kEnds,
     .effect = "stopped, released or failed; a result is refused"},
    {.change = JobChange::kStopExpired,
     .name = "lease ran out after a cancel",
     .from = kRunning,
     .to = kCancelledState,
     .who = kHousekeeping,
     .guards = kExpired | kCancelled,
     .lease = LeaseEffect::kEnds},
}};

constexpr bool InOrder() {
  for (size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<size_t>(kTable[i].change) != i) return false;
  }
  return true;
}
static_assert(InOrder(), "TransitionOf uses the change as the index of its row");

struct GuardText {
  uint32_t bit;
  std::string sql;
  std::string_view words;
};

const std::array<GuardText, 11>& GuardTexts() {
  static const std::array<GuardText, 11> texts{{
      {kHolder, "lease_id = ?23", "same lease id"},
      {kDue, "not_before <= ?24", "`not_before` has come"},
      {kExpired, "lease_until < ?24", "the lease ran out"},
      {kWaitedOut, "queue_until < ?24", "waited longer than the queue limit"},
      {kOverdue, "deadline < ?24", "total deadline passed"},
      {kCancelled, "cancel_requested = 1", "cancel flag set"},
      {kNotCancelled, "cancel_requested = 0", "no cancel flag"},
      {kFailuresLeft, fmt::format("failures + 1 < {}", kFailureBudget),
       "failures stay within the budget"},
      {kFailuresSpent, fmt::format("failures + 1 >= {}", kFailureBudget), "failures are spent"},
      {kCrashesLeft, fmt::format("crashes + 1 < {}", kCrashBudget),
       "crashes stay within the budget"},
      {kCrashesSpent, fmt::format("crashes + 1 >= {}", kCrashBudget), "crashes are spent"},
  }};
  return texts;
}

std::string GuardWords(const Transition& transition) {
  std::string words;
  for (const GuardText& text : GuardTexts()) {
    if ((transition.guards & text.bit) == 0) continue;
    if (!words.empty()) words += ", ";
    words += text.words;
  }
  return words;
}

std::string EffectWords(const Transition& transition) {
  std::string words;
  const auto add = [&](std::string_view more) {
    if (more.empty()) return;
    if (!words.empty()) words += "; ";
    words += more;
  };
  if (transition.attempts > 0) add("`attempt+1`");
  if (transition.lease == LeaseEffect::kBegins) add("new lease");
  if (transition.failures > 0) add("`failures+1`");
  if (transition.crashes > 0) add("`crashes+1`");
  if (transition.sets_cancel) add("sets the cancel flag");
  add(transition.effect);
  return words;
}

}  // namespace

std::span<const Transition> Transitions() { return kTable; }

const Transition& TransitionOf(JobChange change) { return kTable.at(static_cast<size_t>(change)); }

bool IsLegal(v1::JobState from, v1::JobState to) {
  return from != kNoJob && std::any_of(kTable.begin(), kTable.end(), [&](const Transition& row) {
           return row.from == from && row.to == to;
         });
}

bool IsTerminal(v1::JobState state) {
  return state != kNoJob && std::none_of(kTable.begin(), kTable.end(),
                                         [&](const Transition& row) { return row.from == state; });
}

std::string_view StateName(v1::JobState state) {
  switch (state) {
    case v1::JOB_STATE_QUEUED:
      return "queued";
    case v1::JOB_STATE_RUNNING:
      return "running";
    case v1::JOB_STATE_SUCCEEDED:
      return "succeeded";
    case v1::JOB_STATE_FAILED:
      return "failed";
    case v1::JOB_STATE_CANCELLED:
      return "cancelled";
    default:
      return "unspecified";
  }
}

std::string GuardSql(const Transition& transition) {
  std::string sql =
      fmt::format("number = ?21 AND state = '{}' AND attempt = ?22", StateName(transition.from));
  for (const GuardText& text : GuardTexts()) {
    if ((transition.guards & text.bit) != 0) sql += " AND " + text.sql;
  }
  return sql + " AND lease_until IS NOT DISTINCT FROM ?25";
}

std::string JobStatesPage() {
  std::string page = fmt::format(
      "# Job states\n\n"
      "Generated from the table in `server/jobs/job_states.cc` by `job_states_page`; a test "
      "compares them.\n"
      "\n"
      "`queued -> running -> succeeded | failed | cancelled`, and `running -> queued` for a "
      "retry.\n"
      "The last three never change. `attempt` rises with every lease and never falls: it is the "
      "fencing token.\n"
      "A cancel of a running job is a flag, not a state. Budgets: {} failures, {} crashes.\n\n"
      "Every change is one `UPDATE ... WHERE number = ? AND state = ? AND attempt = ?` with the "
      "guard\n"
      "below and its event row in the same transaction; no row changed is `ABORTED`. A repeated\n"
      "`Finish` or `Report` gets the first answer.\n\n"
      "| from | to | change | who | guard | effect |\n"
      "| --- | --- | --- | --- | --- | --- |\n",
      kFailureBudget, kCrashBudget);
  for (const Transition& row : kTable) {
    const std::string_view from = row.from == kNoJob ? "-" : StateName(row.from);
    page += fmt::format("| {} | {} | {} | {} | {} | {} |\n", from, StateName(row.to), row.name,
                        row.who, GuardWords(row), EffectWords(row));
  }
  return page;
}

}  // namespace vico::server
