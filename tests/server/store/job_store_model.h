// A reference model of the job store's contract, in memory and without rows, statements or the
// table of transitions.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "server/store/sql_job_store.h"

namespace vico::server {

struct ModelJob {
  std::string tenant;
  bool training = false;
  v1::JobState state = v1::JOB_STATE_QUEUED;
  int attempt = 0;
  int failures = 0;
  int crashes = 0;
  bool cancel = false;
  uint64_t events = 1;  // its `queued`
  std::string worker, nonce;
  absl::Duration lease_until, not_before;
  uint64_t reports = 0;
  absl::Time queue_until, deadline;
  std::string reason;  // of its failure

  bool running() const { return state == v1::JOB_STATE_RUNNING; }
  bool queued() const { return state == v1::JOB_STATE_QUEUED; }
};

enum class Ending { kResult, kOtherResult, kRetryable, kCrashed, kLasting, kReleased, kStopped };

/// Results are "OK", a reason, or the name of a status code. A job is identified by its number,
/// from 0.
class JobStoreModel {
 public:
  JobStoreModel(const JobStoreOptions& options, const Clock& clock)
      : options_(options), clock_(clock) {
    Restart();
  }

  std::vector<ModelJob> jobs;

  void Restart() {
    zero_ = clock_.Now() - clock_.Uptime();
    for (ModelJob& job : jobs) {
      job.not_before = absl::ZeroDuration();
      if (job.running()) job.lease_until = Now() + options_.lease;
    }
  }

  std::string Submit(const std::string& tenant, const std::string& request, const std::string& body,
                     bool training, size_t& number) {
    const auto known = requests_.find({tenant, request});
    if (known != requests_.end()) {
      number = known->second.second;
      return known->second.first == body ? "OK" : "REQUEST_ID_REUSED";
    }
    int own = 0, all = 0;
    for (const ModelJob& job : jobs) {
      if (!job.queued()) continue;
      ++all;
      own += job.tenant == tenant ? 1 : 0;
    }
    if (own >= options_.queued_per_tenant || all >= options_.queued_total) return "QUEUE_FULL";
    number = jobs.size();
    requests_[{tenant, request}] = {body, number};
    ModelJob job;
    job.tenant = tenant;
    job.training = training;
    job.queue_until = Steady() + options_.queue_limit;
    job.deadline = Steady() + options_.total_limit;
    jobs.push_back(job);
    turns_.try_emplace(tenant, 0);
    return "OK";
  }

  void Cancel(ModelJob& job) {
    if (job.cancel || !(job.queued() || job.running())) return;
    job.cancel = true;
    if (job.queued()) End(job, v1::JOB_STATE_CANCELLED);
  }

  /// The numbers of the granted jobs, of `kinds` or, if it is empty, of any kind.
  std::vector<size_t> Lease(const std::string& worker, const std::string& nonce, int max_jobs,
                            const std::set<v1::JobKind>& kinds) {
    std::vector<size_t> granted;
    for (size_t i = 0; i < jobs.size(); ++i) {
      if (jobs[i].running() && jobs[i].worker == worker && jobs[i].nonce == nonce) {
        jobs[i].lease_until = Now() + options_.lease;
        granted.push_back(i);
      }
    }
    if (!granted.empty()) return granted;
    while (granted.size() < static_cast<size_t>(max_jobs)) {
      const int next = Next(kinds, !granted.empty());
      if (next < 0) break;
      ModelJob& job = jobs[static_cast<size_t>(next)];
      job.state = v1::JOB_STATE_RUNNING;
      job.attempt += 1;
      job.events += 1;  // started
      job.worker = worker;
      job.nonce = nonce;
      job.reports = 0;
      job.lease_until = Now() + options_.lease;
      turns_[job.tenant] = 1 + std::max_element(turns_.begin(), turns_.end(), [](auto& a, auto& b) {
                                 return a.second < b.second;
                               })->second;
      granted.push_back(static_cast<size_t>(next));
      if (job.training) break;
    }
    return granted;
  }

  /// `attempt` is that of the caller's lease.
  std::string Report(ModelJob& job, int attempt, uint64_t number, int events) {
    if (!job.running() || job.attempt != attempt) return "LEASE_LOST";
    if (number == 0 || number > job.reports + 1) return "INVALID_FIELD";
    job.lease_until = Now() + options_.lease;
    if (number == job.reports + 1) {
      job.reports = number;
      job.events += static_cast<uint64_t>(events);
    }
    return "OK";
  }

  std::string Finish(size_t number, int attempt, Ending ending) {
    ModelJob& job = jobs[number];
    const auto before = finished_.find({number, attempt});
    if (before != finished_.end()) return before->second == ending ? "OK" : "LEASE_LOST";
    if (!job.running() || job.attempt != attempt) return "LEASE_LOST";
    if (ending == Ending::kOtherResult) return "INVALID_FIELD";
    if (ending == Ending::kResult && job.cancel) return "CANCEL_REQUESTED";
    if (ending == Ending::kStopped && !job.cancel) return "NOT_CANCELLED";
    if (job.cancel) {
      End(job, v1::JOB_STATE_CANCELLED);
    } else if (ending == Ending::kResult) {
      End(job, v1::JOB_STATE_SUCCEEDED);
    } else if (ending == Ending::kLasting) {
      End(job, v1::JOB_STATE_FAILED, "ENGINE_DIED");
    } else if (ending == Ending::kReleased) {
      QueueAgain(job);
    } else if (ending == Ending::kCrashed) {
      Crash(job);
    } else if (++job.failures >= 5) {
      End(job, v1::JOB_STATE_FAILED, "RETRIES_SPENT");
    } else {
      const int waits[] = {0, 20, 40, 80};  // half of 10 s * 2^n, none the first time
      job.not_before = Now() + absl::Seconds(waits[job.failures - 1]);
      QueueAgain(job);
    }
    finished_[{number, attempt}] = ending;
    return "OK";
  }

  int ReturnExpired() {
    int changed = 0;
    for (ModelJob& job : jobs) {
      if (!job.running() || job.lease_until >= Now()) continue;
      ++changed;
      if (job.cancel) {
        End(job, v1::JOB_STATE_CANCELLED);
      } else {
        Crash(job);
      }
    }
    return changed;
  }

  int FailOverdue() {
    int changed = 0;
    for (ModelJob& job : jobs) {
      if (job.queued() && job.queue_until < Steady()) {
        End(job, v1::JOB_STATE_FAILED, "QUEUE_TIMEOUT");
      } else if (job.running() && job.deadline < Steady()) {
        End(job, v1::JOB_STATE_FAILED, "DEADLINE_PASSED");
      } else {
        continue;
      }
      ++changed;
    }
    return changed;
  }

  void ExtendLeases() {
    for (ModelJob& job : jobs) {
      if (job.running()) job.lease_until = Now() + options_.lease;
      if (job.queued()) job.not_before = absl::ZeroDuration();
    }
  }

 private:
  absl::Duration Now() const { return clock_.Uptime(); }
  absl::Time Steady() const { return zero_ + clock_.Uptime(); }

  static void End(ModelJob& job, v1::JobState state, const std::string& reason = "") {
    job.state = state;
    job.reason = reason;
    job.events += 1;
  }

  void Crash(ModelJob& job) {
    if (++job.crashes >= 3) {
      End(job, v1::JOB_STATE_FAILED, "WORKER_LOST");
    } else {
      QueueAgain(job);
    }
  }

  void QueueAgain(ModelJob& job) {
    job.state = v1::JOB_STATE_QUEUED;
    job.queue_until = Steady() + options_.queue_limit;
    job.events += 1;
  }

  bool MayRun(const ModelJob& job) const {
    const auto running = std::count_if(jobs.begin(), jobs.end(), [&](const ModelJob& other) {
      return other.running() && other.tenant == job.tenant && other.training == job.training;
    });
    return running <
           (job.training ? options_.trainings_per_tenant : options_.generations_per_tenant);
  }

  /// The job to lease next; -1 when there is none.
  int Next(const std::set<v1::JobKind>& kinds, bool generations_only) const {
    int best = -1;
    for (size_t i = 0; i < jobs.size(); ++i) {
      const ModelJob& job = jobs[i];
      const v1::JobKind kind = job.training ? v1::JOB_KIND_TRAINING : v1::JOB_KIND_GENERATION;
      if (!job.queued() || job.not_before > Now() || (generations_only && job.training) ||
          (!kinds.empty() && !kinds.contains(kind)) || !MayRun(job)) {
        continue;
      }
      if (best < 0) {
        best = static_cast<int>(i);
        continue;
      }
      const std::string& other = jobs[static_cast<size_t>(best)].tenant;
      if (std::pair(turns_.at(job.tenant), job.tenant) < std::pair(turns_.at(other), other)) {
        best = static_cast<int>(i);
      }
    }
    return best;
  }

  const JobStoreOptions options_;
  const Clock& clock_;
  absl::Time zero_;
  std::map<std::pair<std::string, std::string>, std::pair<std::string, size_t>> requests_;
  std::map<std::string, int> turns_;
  std::map<std::pair<size_t, int>, Ending> finished_;  // by job and attempt
};

}  // namespace vico::server
