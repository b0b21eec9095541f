// One fault run: clients and workers use a server while faults happen, and the checker checks the
// result.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/fault/arena/arena.h"
#include "tests/fault/history/checker.h"

namespace vico::fault {

struct FaultRun {
  ArenaOptions arena;
  int jobs = 20;            ///< one in three is a training
  int submitters = 4;       ///< threads; each repeats all its submits at the end, some also at once
  int watchers = 8;         ///< threads; one of them watches a job to its end
  int cancel_every = 7;     ///< every nth job is cancelled; 0: none
  int restart_watches = 3;  ///< after every nth watch another starts in the middle; 0: never
  double patience_seconds = 60;  ///< until all jobs must have ended
  bool all_acknowledged = true;  ///< whether an unacknowledged submit is a violation
  CheckOptions check{};
  /// Runs on its own thread once the server listens; must return soon after `stop`.
  std::function<void(Arena&, const std::stop_token& stop)> disturb{};
};

/// The result of a run.
struct RunOutcome {
  std::vector<std::string> violations;  ///< empty if the run was correct
  int requeued = 0;                     ///< jobs with more than one attempt
  std::map<std::string, int> failed;    ///< jobs that failed, by the reason of their error
  int aborted = 0;                      ///< calls of workers that failed with ABORTED
  std::vector<int64_t> returns_us;      ///< BootMicros at which a job returned to the queue
  int most_held = 0;                    ///< the most leases that a worker held at once
};

/// As "WORKER_LOST 2, RETRIES_SPENT 1"; "none" without any.
std::string FailuresText(const RunOutcome& outcome);

/// `history` is the clients' part; the workers' part is read from the arena.
RunOutcome JudgeRun(const Arena& arena, History history, const CheckOptions& options);

struct FaultVerdict : RunOutcome {
  std::vector<std::string> hits;  ///< failpoints that were hit and actions that ran
  int jobs = 0;                   ///< acknowledged ones
  int server_starts = 0;
  int worker_starts = 0;
  double seconds = 0;
  std::string log;  ///< of all processes

  bool Hit(const std::string& line) const;
  /// The first 20 violations, one a line.
  std::string Text() const;
};

FaultVerdict PlayRun(const FaultRun& run);

}  // namespace vico::fault
