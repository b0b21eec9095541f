// All transitions of a job, as one table. From it come the guards of the SQL statement that changes
// a job's row, the check of the new row, docs/job-states.md and the tests' reference model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "vico/v1/job.pb.h"

namespace vico::server {

/// Failures are attempts that end in a retryable error, crashes are expired leases and dead
/// engines. A job fails when either count reaches its budget. A release (drain) counts as neither.
inline constexpr int kFailureBudget = 5;
inline constexpr int kCrashBudget = 3;

/// One row of the table for each.
enum class JobChange {
  kSubmit,       // a new row, not a change of one
  kLease,        // a worker gets the job
  kReport,       // the worker reported
  kExtend,       // after a pause or a restart of the server
  kAskToStop,    // cancel of a running job
  kSucceed,      // Finish with a result
  kRetry,        // Finish with a retryable failure
  kCrash,        // Finish with a dead engine
  kRelease,      // Finish of a draining worker
  kExpire,       // the lease ran out
  kFail,         // Finish with a permanent failure
  kSpend,        // Finish with one retryable failure too many
  kCrashOut,     // Finish with one dead engine too many
  kLose,         // one lease too many ran out
  kOverrun,      // the job's total deadline passed
  kTimeOut,      // the job waited too long
  kCancel,       // cancel of a queued job
  kStop,         // Finish after a cancel
  kStopExpired,  // the lease ran out after a cancel
};

/// Conditions that the UPDATE statement checks; bits.
namespace guard {
inline constexpr uint32_t kHolder = 1 << 0;        // the caller's lease id is the row's
inline constexpr uint32_t kDue = 1 << 1;           // not_before has come
inline constexpr uint32_t kExpired = 1 << 2;       // lease_until has passed
inline constexpr uint32_t kWaitedOut = 1 << 3;     // queue_until has passed
inline constexpr uint32_t kOverdue = 1 << 4;       // deadline has passed
inline constexpr uint32_t kCancelled = 1 << 5;     // the cancel flag is set
inline constexpr uint32_t kNotCancelled = 1 << 6;  // the cancel flag is not set
inline constexpr uint32_t kFailuresLeft = 1 << 7;  // one more failure stays within the budget
inline constexpr uint32_t kFailuresSpent = 1 << 8;
inline constexpr uint32_t kCrashesLeft = 1 << 9;
inline constexpr uint32_t kCrashesSpent = 1 << 10;
}  // namespace guard

enum class LeaseEffect { kNone, kBegins, kStays, kEnds };

struct Transition {
  JobChange change;
  std::string_view name;  ///< for the page and for traces
  v1::JobState from;      ///< unspecified: the job is new
  v1::JobState to;
  std::string_view who;
  uint32_t guards = 0;
  LeaseEffect lease = LeaseEffect::kNone;
  int attempts = 0;  ///< added to each count
  int failures = 0;
  int crashes = 0;
  bool sets_cancel = false;
  std::string_view effect{};  ///< further effects, for the page
};

/// In the order of JobChange.
std::span<const Transition> Transitions();
const Transition& TransitionOf(JobChange change);

/// Whether a transition leads from one to the other.
bool IsLegal(v1::JobState from, v1::JobState to);

/// Succeeded, failed or cancelled: the job never changes again.
bool IsTerminal(v1::JobState state);

/// "queued", "running", ...; "unspecified" for anything else.
std::string_view StateName(v1::JobState state);

/// The condition of the UPDATE that makes this change. Its parameters:
///   ?21 number, ?22 attempt, ?23 lease id, ?24 store time now, ?25 lease_until as read; times are
///   microseconds since 1970
std::string GuardSql(const Transition& transition);

/// The page docs/job-states.md.
std::string JobStatesPage();

}  // namespace vico::server
