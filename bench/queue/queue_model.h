// A model of many servers and workers on one database, in virtual time: events, no sleeps.
#pragma once

namespace vico::bench {

/// Seconds of the database for a call, as measured.
struct ServiceTimes {
  double submit = 0;
  double report = 0;
  double finish = 0;
  double lease_batch = 0;  ///< of each batch of leases
  double lease = 0;        ///< of each lease in it
};

struct ModelOptions {
  int fronts = 100;
  int threads = 8;           ///< of a front, for calls
  int most_leases = 32;      ///< of a batch
  int database_servers = 2;  ///< calls that the database serves at once
  int workers = 5'000;
  double job_seconds = 30;
  double report_seconds = 2;
  ServiceTimes times;
};

struct ModelResult {
  double jobs_per_second = 0;
  double calls_per_second = 0;
  // Shares of the time in use.
  double database = 0;
  double lease_lock = 0;
  double threads = 0;
  // Milliseconds from call to answer.
  double report_p50 = 0;
  double report_p99 = 0;
  double lease_p50 = 0;
  double lease_p99 = 0;
};

/// Every finished job is followed by a submit. Runs 20 s of virtual time before it measures 40 s.
ModelResult RunModel(const ModelOptions& options);

}  // namespace vico::bench
