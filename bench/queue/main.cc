// vico-bench-postgres: measures the queue on a PostgreSQL of its own, with durable commits.
// Several fronts are several pools, stores and relays in threads of this one process.
#include <cstdio>

#include <CLI/CLI.hpp>

#include "bench/queue/measurements.h"

namespace {

int Answer(const absl::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

vico::PostgresClusterOptions ClusterOf(bool in_memory) {
  if (in_memory) return {};
  return {.fsync = true, .parent = std::filesystem::temp_directory_path()};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures the queue on PostgreSQL.");
  app.require_subcommand(1);
  bool in_memory = false;
  app.add_flag("--in-memory", in_memory,
               "The database is in memory, and its commits are not durable");
  vico::bench::TransitionsOptions transitions;
  auto* const measure_transitions =
      app.add_subcommand("transitions", "Durable transitions per second");
  measure_transitions->add_option("--callers", transitions.callers)
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  measure_transitions->add_option("--fronts", transitions.fronts)
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  measure_transitions->add_option("--tenants", transitions.tenants)
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  measure_transitions->add_option("--seconds", transitions.seconds)
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  int waiting = 100'000;
  auto* const measure_leases = app.add_subcommand("leases", "The time of a lease");
  measure_leases->add_option("--queued", waiting)
      ->check(CLI::Range(1, 2'000'000))
      ->capture_default_str();
  int others = 0;
  auto* const measure_wake_ups =
      app.add_subcommand("wake-ups", "How soon a watcher at another front wakes");
  measure_wake_ups->add_option("--callers", others, "Others that report all the time")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  vico::bench::SimulationOptions simulation;
  auto* const simulate =
      app.add_subcommand("simulation", "Many fronts, workers and queued jobs, in virtual time");
  simulate->add_option("--fronts", simulation.fronts)->capture_default_str();
  simulate->add_option("--workers", simulation.workers)->capture_default_str();
  simulate->add_option("--queued", simulation.queued)->capture_default_str();
  simulate->add_option("--tenants", simulation.tenants)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  vico::PostgresCluster cluster(ClusterOf(in_memory));
  if (measure_transitions->parsed()) {
    return Answer(vico::bench::MeasureTransitions(cluster, transitions));
  }
  if (measure_leases->parsed()) return Answer(vico::bench::MeasureLeases(cluster, waiting));
  if (measure_wake_ups->parsed()) return Answer(vico::bench::MeasureWakeUps(cluster, others));
  return Answer(vico::bench::Simulate(cluster, simulation));
}
