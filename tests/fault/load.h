// A load test with killed processes and network partitions: many jobs of several tenants, each
// watched to its end.
#pragma once

namespace vico::fault {

struct LoadOptions {
  int jobs = 600;    ///< in total, divided evenly among the tenants
  int tenants = 20;  ///< the first keeps 15 times as many jobs open as each of the others
  int workers = 8;
  int watchers = 100;
  int worker_kills = 12;
  int server_kills = 4;
  int partitions = 4;      ///< between all workers and the server; shorter and longer than a lease
  int servers = 1;         ///< several share a PostgreSQL database and a bucket, behind a proxy
  bool haproxy = false;    ///< in place of nginx
  int server_drains = 0;   ///< SIGTERM, as in a rolling restart
  int database_kills = 0;  ///< of PostgreSQL, each away for a moment; the first for 20 s
  int bucket_outages = 0;  ///< the bucket is away, or answers 503
  bool wrong_clock = false;  ///< that of the last server is an hour ahead
  double lease_seconds = 1;
  double seconds = 170;  ///< time limit of the run
};

/// Prints its measurements. True if every job ended and none failed, the checker found no
/// violation, every tenant got its share and the server stayed within its memory limit.
bool PlayLoad(const LoadOptions& options);

}  // namespace vico::fault
