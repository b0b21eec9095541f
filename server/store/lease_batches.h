// Lease calls that wait for one another share a transaction: all servers grant leases one after the
// other, so a transaction for each call would let few calls through.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include <absl/status/status.h>

#include "common/mutex.h"
#include "server/jobs/job_phase.h"
#include "server/jobs/job_store.h"
#include "server/rows/job_rows.h"

namespace vico::server {

/// Any thread.
class LeaseBatches {
 public:
  static constexpr size_t kMost = 32;  ///< calls of a transaction

  struct Call {
    explicit Call(const LeaseQuery& of) : query(of) {}

    const LeaseQuery& query;
    std::vector<JobRow> rows{};     ///< granted
    std::vector<JobPhase> waits{};  ///< ended by these grants
    bool has_all = false;           ///< gets no more rows
    absl::Status status{};          ///< when not OK, nothing was granted

   private:
    friend class LeaseBatches;
    bool done = false;
    CondVar changed;
  };

  /// One transaction: fills in the rows and waits of all calls, or nothing is changed.
  using Grant = std::function<absl::Status(std::span<Call* const>)>;

  /// Returns when the call has its answer. A batch has no two calls of one worker and nonce.
  /// `grant` runs on the thread of one of the calls, for one batch at a time. When a batch fails,
  /// each of its calls is tried alone, unless the database is unavailable.
  void Run(Call& call, const Grant& grant);

  /// Whether calls that the same jobs suit are being served or wait.
  bool IsBusyWith(const LeaseQuery& query);

 private:
  static void Serve(std::span<Call* const> batch, const Grant& grant);

  Mutex mutex_;
  std::deque<Call*> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<Call*> served_ ABSL_GUARDED_BY(mutex_);  // empty: none is
};

/// Whether every job that suits one call suits the other.
inline bool SuitTheSame(const LeaseQuery& one, const LeaseQuery& other) {
  return one.devices == other.devices && one.base_models == other.base_models &&
         one.kinds == other.kinds;
}

}  // namespace vico::server
