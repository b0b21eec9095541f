// Rules about rows and blobs.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "server/jobs/job.h"
#include "tests/fault/history/checker.h"

namespace vico::fault {
namespace {

using google::protobuf::util::TimeUtil;

/// Replays the events of a job and reports what is wrong with them.
class Replay {
 public:
  Replay(const StoredJob& stored, Violations& violations)
      : stored_(stored), violations_(violations) {}

  void Run() {
    for (size_t i = 0; i < stored_.events.size(); ++i) {
      const v1::Event& event = stored_.events[i];
      if (event.sequence() != i + 1 || stored_.event_numbers[i] != static_cast<int64_t>(i + 1)) {
        Report(fmt::format("event {} has number {}", i + 1, event.sequence()));
      }
      if (server::IsTerminal(state_)) Report(fmt::format("event {} comes after the end", i + 1));
      Apply(event);
      if (event.attempt() != attempt_) {
        Report(fmt::format("event {} has attempt {} during attempt {}", i + 1, event.attempt(),
                           attempt_));
      }
    }
    const v1::Job& job = stored_.job;
    if (state_ != job.state()) {
      Report(fmt::format("its row says {}, its events say {}", server::StateName(job.state()),
                         server::StateName(state_)));
    }
    if (attempt_ != job.attempt()) Report("its row and its events differ in the attempt");
    if (job.last_sequence() != stored_.events.size()) Report("its row and its events differ");
  }

 private:
  void Apply(const v1::Event& event) {
    switch (event.what_case()) {
      case v1::Event::kQueued:
        return Change(state_ == v1::JOB_STATE_UNSPECIFIED || state_ == v1::JOB_STATE_RUNNING,
                      v1::JOB_STATE_QUEUED);
      case v1::Event::kStarted:
        ++attempt_;
        step_ = 0;
        pictures_.clear();
        return Change(state_ == v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING);
      case v1::Event::kSucceeded:
        return Change(state_ == v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED);
      case v1::Event::kFailed:
        return Change(!server::IsTerminal(state_), v1::JOB_STATE_FAILED);
      case v1::Event::kCancelled:
        return Change(!server::IsTerminal(state_), v1::JOB_STATE_CANCELLED);
      case v1::Event::kWarning:
        return;
      case v1::Event::kProgress:
        if (event.progress().step() <= step_) Report("progress was stored twice or decreases");
        step_ = event.progress().step();
        break;
      case v1::Event::kPicture:
        if (!pictures_.insert(event.picture().index()).second) Report("a picture was stored twice");
        break;
      default:
        break;
    }
    if (state_ != v1::JOB_STATE_RUNNING)
      Report("an event of a worker was stored while the job did not run");
  }

  void Change(bool legal, v1::JobState to) {
    if (!legal)
      Report(fmt::format("went from {} to {}", server::StateName(state_), server::StateName(to)));
    state_ = to;
  }

  void Report(const std::string& what) {
    violations_.push_back(fmt::format("{}: {}", stored_.job.name(), what));
  }

  const StoredJob& stored_;
  Violations& violations_;
  v1::JobState state_ = v1::JOB_STATE_UNSPECIFIED;
  int attempt_ = 0;
  int64_t step_ = 0;
  std::set<int> pictures_;  // indexes in this attempt
};

void CheckResults(const Snapshot& snapshot, Violations& violations) {
  std::map<std::string, int> adapters_of;
  for (const auto& [tenant, adapter] : snapshot.adapters) {
    if (adapter.job().empty()) continue;  // imported
    ++adapters_of[adapter.job()];
    const auto job = snapshot.jobs.find(adapter.job());
    if (job == snapshot.jobs.end() || job->second.job.adapter() != adapter.name() ||
        job->second.job.state() != v1::JOB_STATE_SUCCEEDED) {
      violations.push_back(fmt::format("{}: no succeeded job references it", adapter.name()));
    }
  }
  for (const auto& [name, stored] : snapshot.jobs) {
    const bool trained =
        stored.job.state() == v1::JOB_STATE_SUCCEEDED && stored.job.kind() == v1::JOB_KIND_TRAINING;
    if (adapters_of[name] != (trained ? 1 : 0)) {
      violations.push_back(fmt::format("{}: is {} and has {} adapters", name,
                                       server::StateName(stored.job.state()), adapters_of[name]));
    }
    if (stored.job.state() == v1::JOB_STATE_SUCCEEDED && stored.job.cancel_requested()) {
      violations.push_back(fmt::format("{}: succeeded after it was cancelled", name));
    }
  }
}

}  // namespace

void CheckJobs(const Snapshot& snapshot, const CheckOptions& options, Violations& violations) {
  for (const auto& [name, stored] : snapshot.jobs) {
    Replay(stored, violations).Run();
    if (options.all_ended && !server::IsTerminal(stored.job.state())) {
      violations.push_back(
          fmt::format("{}: did not end; it is {}", name, server::StateName(stored.job.state())));
    }
  }
  CheckResults(snapshot, violations);
}

void CheckBlobs(const Snapshot& snapshot, const CheckOptions& options, Violations& violations) {
  std::set<std::pair<std::string, std::string>> referenced;
  for (const auto& [tenant, refs] : snapshot.referenced) {
    for (const v1::BlobRef& ref : refs) {
      if (!referenced.emplace(tenant, ref.sha256()).second) continue;
      const auto blob = snapshot.blobs.find({tenant, ref.sha256()});
      if (blob == snapshot.blobs.end()) {
        violations.push_back(
            fmt::format("blob {}: is referenced and does not exist", ref.sha256()));
      } else if (blob->second.size_bytes != ref.size_bytes() || !blob->second.digest_matches) {
        violations.push_back(
            fmt::format("blob {}: its bytes do not match the reference", ref.sha256()));
      }
    }
  }
  if (!options.gc_age_seconds) return;
  for (const auto& [key, blob] : snapshot.blobs) {
    if (key.first != server::kSystemTenant && !referenced.contains(key) &&
        blob.age_seconds > *options.gc_age_seconds) {
      violations.push_back(
          fmt::format("blob {}: has had no reference for {} s", key.second, blob.age_seconds));
    }
  }
}

void CheckQuota(const Snapshot& snapshot, const CheckOptions& options, Violations& violations) {
  if (options.queued_per_tenant <= 0) return;
  struct Step {
    int64_t time;
    int order;  // among steps at the same time: jobs leave before others enter
    bool is_submit;
    bool operator<(const Step& other) const {
      return std::tie(time, order) < std::tie(other.time, other.order);
    }
  };
  std::map<std::string, std::vector<Step>> steps;
  for (const auto& [name, stored] : snapshot.jobs) {
    bool queued = false;
    for (const v1::Event& event : stored.events) {
      const int64_t time = TimeUtil::TimestampToMicroseconds(event.time());
      if (event.has_queued()) {
        steps[stored.tenant].push_back({time, 1, event.sequence() == 1});
        queued = true;
      } else if (queued && (event.has_started() || server::IsTerminal(event))) {
        steps[stored.tenant].push_back({time, 0, false});
        queued = false;
      }
    }
  }
  for (auto& [tenant, all] : steps) {
    std::sort(all.begin(), all.end());
    int queued = 0;
    for (const Step& step : all) {
      if (step.is_submit && queued >= options.queued_per_tenant) {
        violations.push_back(fmt::format("tenant {}: {} jobs were queued when another was accepted",
                                         tenant, queued));
      }
      queued += step.order == 1 ? 1 : -1;
    }
  }
}

}  // namespace vico::fault
