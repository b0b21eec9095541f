// Checks a run: compares what clients and workers observed with the state that the server stored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/fault/history/history.h"
#include "tests/fault/history/snapshot.h"

namespace vico::fault {

struct CheckOptions {
  bool all_ended = true;                    ///< every job must be in a terminal state
  int64_t lease_us = 0;                     ///< duration of a lease; 0: not checked
  int queued_per_tenant = 0;                ///< limit of queued jobs; 0: not checked
  std::optional<int64_t> gc_age_seconds{};  ///< the largest age of an unreferenced blob
};

/// One line for each violation; empty if the run was correct.
std::vector<std::string> Check(const History& history, const Snapshot& snapshot,
                               const CheckOptions& options);

using Violations = std::vector<std::string>;

// The groups of rules that Check applies. Each adds its violations.

/// Events have consecutive numbers, legal changes of state and rising attempts. Rows and results
/// agree with them.
void CheckJobs(const Snapshot& snapshot, const CheckOptions& options, Violations& violations);
/// Every referenced blob exists and matches its digest and size.
void CheckBlobs(const Snapshot& snapshot, const CheckOptions& options, Violations& violations);
/// Acknowledged submits and cancels took effect. Reads never return an older state. Watches send
/// the stored events.
void CheckClients(const History& history, const Snapshot& snapshot, Violations& violations);
/// No job was accepted from a tenant whose queue was full.
void CheckQuota(const Snapshot& snapshot, const CheckOptions& options, Violations& violations);
/// Leases of a job do not overlap and last as long as configured. Acknowledged reports and results
/// are stored.
void CheckWorkers(const History& history, const Snapshot& snapshot, const CheckOptions& options,
                  Violations& violations);

}  // namespace vico::fault
