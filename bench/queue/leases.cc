#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "bench/queue/front.h"
#include "bench/queue/measurements.h"
#include "bench/queue/times.h"
#include "common/status.h"

namespace vico::bench {

void FillQueue(PostgresCluster& cluster, const std::string& url, int jobs, int tenants,
               const std::string& name) {
  server::SubmitRequest request = GenerationOf("", "");
  std::string spec;
  for (const char byte : request.spec.SerializeAsString()) {
    spec += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  const std::string database = url.substr(url.rfind('/') + 1);
  cluster.Psql(fmt::format("INSERT INTO tenant (name) SELECT 'tenant-' || t FROM "
                           "generate_series(0, {} - 1) AS t ON CONFLICT DO NOTHING",
                           tenants),
               database);
  constexpr int64_t kFarFuture = int64_t{4'000'000'000} * 1'000'000;
  // The triggers would read the tenant of each row; all these tenants are active.
  constexpr int kOfAStatement = 100'000;
  for (int first = 1; first <= jobs; first += kOfAStatement) {
    cluster.Psql(
        fmt::format(
            "BEGIN; ALTER TABLE job DISABLE TRIGGER job_of_deleted; "
            "INSERT INTO job (name, tenant, kind, state, base_model, spec, create_time, "
            "attempt, failures, crashes, cancel_requested, not_before, report_number, step, "
            "total_steps, last_sequence, queue_until, deadline, pictures) "
            "SELECT 'jobs/{}-' || n, 'tenant-' || (n % {}), 'generation', 'queued', '{}', "
            "'\\x{}', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, {}, {}, '' "
            "FROM generate_series({}, {}) AS n; "
            "ALTER TABLE job ENABLE TRIGGER job_of_deleted; COMMIT",
            name, tenants, kBaseModel, spec, kFarFuture, kFarFuture, first,
            std::min(first + kOfAStatement - 1, jobs)),
        database);
  }
  cluster.Psql("VACUUM ANALYZE job", database);
}

absl::Status MeasureLeases(PostgresCluster& cluster, int waiting) {
  constexpr int kLeases = 1'000;
  constexpr int kTenants = 16;
  const std::string url = cluster.NewDatabase();
  {
    server::JobStoreOptions options;
    options.generations_per_tenant = kLeases;
    ASSIGN_OR_RETURN(const auto front, Front::Open(url, options));
    // As many jobs wait when the last lease is taken as when the first is.
    FillQueue(cluster, url, waiting + kLeases, kTenants);
    Times times;
    for (int i = 0; i < kLeases; ++i) {
      const auto query = LeaseOf("worker", fmt::format("nonce-{}", i));
      ASSIGN_OR_RETURN(const auto grants,
                       times.Measure([&] { return front->jobs().Lease(query); }));
      if (grants.empty()) return absl::InternalError("no job was leased");
    }
    std::printf("leases: p50 %.2f ms, p99 %.2f ms while %d jobs wait (%d leases, one at a time)\n",
                times.Quantile(0.5), times.Quantile(0.99), waiting, kLeases);
  }
  cluster.DropDatabase(url);
  return absl::OkStatus();
}

}  // namespace vico::bench
