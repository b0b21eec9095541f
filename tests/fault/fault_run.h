// One run of the machine: clients and workers against a server that something happens to, and the
// checker's judgement.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/fault/arena.h"
#include "tests/fault/checker.h"

namespace vico {

struct FaultRun {
  ArenaOptions arena;
  int jobs = 20;            ///< a third of them trainings
  int submitters = 4;       ///< threads; each submit is repeated later, as is every third at once
  int watchers = 8;         ///< threads; every job is watched to its end by one of them
  int cancel_every = 7;     ///< one job in so many is cancelled; 0: none
  int restart_watches = 3;  ///< one watch in so many begins in the middle
  double patience_seconds = 60;  ///< for all jobs to end
  bool all_acknowledged = true;  ///< every submit must be in the end
  CheckOptions check{};
  /// Called on a thread of its own once the server is there; it should return soon after `stop`.
  std::function<void(Arena&, const std::stop_token& stop)> disturb{};
};

/// The checker's judgement of a run that is over, and what it counted.
struct RunOutcome {
  std::vector<std::string> violations;  ///< empty: all promises were kept
  int requeued = 0;                     ///< jobs that had more than one attempt
  int aborted = 0;                      ///< reports and finishes that were answered ABORTED
  std::vector<int64_t> returns_us;      ///< BootMicros at which jobs went back to the queue
};

/// `history` as the clients wrote it; the workers' part is read from the arena.
RunOutcome JudgeRun(const Arena& arena, History history, const CheckOptions& options);

struct FaultVerdict : RunOutcome {
  std::vector<std::string> hits;  ///< failpoints and actions
  int jobs = 0;                   ///< acknowledged
  int server_starts = 0;
  int worker_starts = 0;
  double seconds = 0;
  std::string log;  ///< of all processes

  bool Hit(const std::string& line) const;
  /// Violations, one a line, the first twenty.
  std::string Say() const;
};

FaultVerdict PlayRun(const FaultRun& run);

}  // namespace vico
