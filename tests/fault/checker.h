// Judges a run: what clients and workers saw against what the server left behind. Source:
// reliability.md section 8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/fault/history.h"
#include "tests/fault/snapshot.h"

namespace vico {

struct CheckOptions {
  bool all_ended = true;      ///< every job must be in a terminal state by now
  int64_t lease_us = 0;       ///< length of a lease; 0: leases are not checked against time
  int queued_per_tenant = 0;  ///< the quota; 0: not checked
  std::optional<int64_t> gc_age_seconds{};  ///< no unreferenced blob may be older
};

/// One line for each violation; empty: the run was right.
std::vector<std::string> Check(const History& history, const Snapshot& snapshot,
                               const CheckOptions& options);

/// The groups of rules that it is made of. Each adds its violations.
using Violations = std::vector<std::string>;
/// Stories: dense events, legal changes, rising attempts, rows that agree with them, results.
void CheckJobs(const Snapshot& snapshot, const CheckOptions& options, Violations& violations);
/// Every named blob is there and is what its name says.
void CheckBlobs(const Snapshot& snapshot, const CheckOptions& options, Violations& violations);
/// Acknowledged submits and cancels stand; reads never go back; watches show what happened.
void CheckClients(const History& history, const Snapshot& snapshot, Violations& violations);
/// How many a tenant had queued when one more was taken.
void CheckQuota(const Snapshot& snapshot, const CheckOptions& options, Violations& violations);
/// Leases exclude one another, last as long as promised, and what was acknowledged under one
/// stands.
void CheckWorkers(const History& history, const Snapshot& snapshot, const CheckOptions& options,
                  Violations& violations);

}  // namespace vico
