// What vico-bench-postgres measures. Each prints what it found; kUnavailable and others when the
// database fails.
#pragma once

#include <absl/status/status.h>

#include "tests/support/postgres_cluster.h"

namespace vico::bench {

struct TransitionsOptions {
  int callers = 64;  ///< in total
  int fronts = 1;
  int tenants = 16;
  double seconds = 8;
};

/// Durable transitions per second: callers that submit, lease, report and finish.
absl::Status MeasureTransitions(PostgresCluster& cluster, const TransitionsOptions& options);

/// The time of a lease while `waiting` jobs are queued that can be leased.
absl::Status MeasureLeases(PostgresCluster& cluster, int waiting);

/// How long after a commit at one front a watcher at another front wakes, while `callers` others
/// report through both.
absl::Status MeasureWakeUps(PostgresCluster& cluster, int callers);

struct SimulationOptions {
  int fronts = 100;
  int workers = 5'000;
  int queued = 1'000'000;
  int tenants = 100;
};

/// Measures the calls with so many jobs queued, and simulates fronts and workers with these times.
absl::Status Simulate(PostgresCluster& cluster, const SimulationOptions& options);

/// Inserts queued generations with names that begin with `name`, evenly among the tenants
/// "tenant-0" and so on, 100,000 in a statement.
void FillQueue(PostgresCluster& cluster, const std::string& url, int jobs, int tenants,
               const std::string& name = "filled");

}  // namespace vico::bench
