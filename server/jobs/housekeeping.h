// The thread that, every two seconds and on one server, ends expired leases and overdue jobs,
// deletes old rows and expired pictures, and warns jobs that no worker can serve any more.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/periodic_thread.h"
#include "server/jobs/catalog.h"
#include "server/jobs/job_store.h"
#include "server/jobs/leadership.h"

namespace vico::server {

struct HousekeepingOptions {
  absl::Duration interval = absl::Seconds(2);
  /// A turn that is late by more than this is logged as a pause of the process. A pause within a
  /// turn ends it.
  absl::Duration pause = absl::Seconds(2);
  /// The base models that living workers serve. Left out: no job is warned.
  std::function<std::vector<ServedBaseModel>()> base_models{};
  /// No job is warned earlier than this after the start: workers have to register again.
  absl::Duration registration = absl::Seconds(60);
  /// Whose uploaded pictures expire; must outlive the housekeeping. Null: none do.
  Catalog* catalog = nullptr;
};

/// The references must outlive it. The destructor stops the thread.
class Housekeeping {
 public:
  Housekeeping(JobStore& jobs, const Leadership& leadership, const Clock& clock, Log log,
               const HousekeepingOptions& options);

  void Start();

  /// One turn of the thread; does nothing if another server keeps house. Not while the thread runs.
  void Turn();

 private:
  void DeleteOldRows();
  void WarnUnserved(absl::Duration now);

  JobStore& jobs_;
  const Leadership& leadership_;
  const Clock& clock_;
  const Log log_;
  const HousekeepingOptions options_;
  const absl::Duration start_;  // uptimes
  absl::Duration last_turn_;
  // Of the last complete search for jobs to warn.
  absl::Duration last_search_ = -absl::InfiniteDuration();
  std::vector<ServedBaseModel> last_base_models_;
  std::unique_ptr<PeriodicThread> thread_;
};

}  // namespace vico::server
