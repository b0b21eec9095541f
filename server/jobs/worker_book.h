// What operators are told about workers: who is there, what they hold, how much memory they take;
// and which of them get no more jobs. In memory only: a server that starts anew knows them again
// when they call, and has forgotten who was to drain.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "server/metrics/state_collector.h"
#include "vico/v1/admin.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// Any thread.
class WorkerBook {
 public:
  /// `clock` must outlive it.
  explicit WorkerBook(const Clock& clock) : clock_(clock) {}

  /// `request.worker` is its name on this server. Whether it is to drain stays as it was.
  void Registered(const v1::RegisterRequest& request);

  /// It has called, and says how it is. Unknown ones are left out: they will register.
  void Heard(std::string_view worker, const v1::WorkerLoad& load);

  void Took(std::string_view worker, std::string_view job);
  void GaveBack(std::string_view worker, std::string_view job);

  /// From now on it gets no jobs and hands back what it holds, or gets jobs again. kNotFound for an
  /// unknown one.
  absl::StatusOr<v1::Worker> Drain(std::string_view worker, bool drain);
  bool IsDraining(std::string_view worker) const;

  /// By name. Those not heard of for a day are forgotten.
  std::vector<v1::Worker> List() const;

  WorkerLoads Sum() const;

 private:
  struct Entry {
    v1::Worker shown;  ///< without `alive`
    absl::Duration heard;
  };
  bool IsAlive(const Entry& entry) const;
  v1::Worker Shown(const Entry& entry) const;

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;  // by name; guarded by mutex_
};

}  // namespace vico::server
