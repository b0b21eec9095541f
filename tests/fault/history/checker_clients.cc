// Rules about the answers that clients got.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "server/jobs/job.h"
#include "tests/fault/history/checker.h"

namespace vico::fault {
namespace {

bool Answered(const ClientCall& call) { return call.code == absl::StatusCode::kOk; }

const StoredJob* Find(const Snapshot& snapshot, const std::string& name) {
  const auto found = snapshot.jobs.find(name);
  return found == snapshot.jobs.end() ? nullptr : &found->second;
}

void CheckSubmits(const History& history, const Snapshot& snapshot, Violations& violations) {
  std::map<std::string, std::string> made;  // request id -> job
  std::set<std::string> submitted;          // request ids
  for (const ClientCall& call : history.calls) {
    if (call.kind != ClientCall::Kind::kSubmit) continue;
    submitted.insert(call.request_id);
    if (!Answered(call)) continue;
    if (Find(snapshot, call.job) == nullptr) {
      violations.push_back(fmt::format("{}: was acknowledged and does not exist", call.job));
    }
    const auto [first, is_new] = made.emplace(call.request_id, call.job);
    if (!is_new && first->second != call.job) {
      violations.push_back(
          fmt::format("request {}: made {} and {}", call.request_id, first->second, call.job));
    }
  }
  std::map<std::string, int> requests_of;
  for (const auto& [key, resource] : snapshot.requests) {
    if (!resource.starts_with("jobs/")) continue;
    ++requests_of[resource];
    if (!submitted.contains(key.second)) {
      violations.push_back(fmt::format("{}: no client requested it", resource));
    }
    const auto answer = made.find(key.second);
    if (answer != made.end() && answer->second != resource) {
      violations.push_back(fmt::format("request {}: the client got {}, the row has {}", key.second,
                                       answer->second, resource));
    }
  }
  for (const auto& [name, stored] : snapshot.jobs) {
    if (requests_of[name] != 1) {
      violations.push_back(fmt::format("{}: belongs to {} requests", name, requests_of[name]));
    }
  }
}

void CheckCancels(const History& history, const Snapshot& snapshot, Violations& violations) {
  for (const ClientCall& call : history.calls) {
    if (call.kind != ClientCall::Kind::kCancel || !Answered(call)) continue;
    const StoredJob* stored = Find(snapshot, call.job);
    if (stored == nullptr) continue;  // CheckSubmits reports it
    const bool too_late =
        call.state == v1::JOB_STATE_SUCCEEDED || call.state == v1::JOB_STATE_FAILED;
    if (!too_late &&
        (stored->job.state() == v1::JOB_STATE_SUCCEEDED || !stored->job.cancel_requested())) {
      violations.push_back(fmt::format("{}: its cancel was acknowledged; it is {}", call.job,
                                       server::StateName(stored->job.state())));
    }
  }
}

/// The answer to a call that began after another call was answered is not older than that answer.
void CheckReads(const History& history, Violations& violations) {
  std::map<std::string, std::vector<const ClientCall*>> by_job;
  for (const ClientCall& call : history.calls) {
    if (!call.job.empty()) by_job[call.job].push_back(&call);
  }
  for (auto& [job, calls] : by_job) {
    std::vector<const ClientCall*> answered;
    for (const ClientCall* call : calls) {
      if (Answered(*call)) answered.push_back(call);
    }
    std::sort(answered.begin(), answered.end(),
              [](auto* a, auto* b) { return a->answered_us < b->answered_us; });
    std::sort(calls.begin(), calls.end(),
              [](auto* a, auto* b) { return a->called_us < b->called_us; });
    size_t next = 0;
    uint64_t newest = 0;
    bool cancelled = false;
    v1::JobState end = v1::JOB_STATE_UNSPECIFIED;
    for (const ClientCall* call : calls) {
      for (; next < answered.size() && answered[next]->answered_us < call->called_us; ++next) {
        newest = std::max(newest, answered[next]->last_sequence);
        cancelled = cancelled || answered[next]->cancel_requested;
        if (server::IsTerminal(answered[next]->state)) end = answered[next]->state;
      }
      if (next > 0 && call->code == absl::StatusCode::kNotFound) {
        violations.push_back(fmt::format("{}: was not found after it was acknowledged", job));
      }
      if (!Answered(*call)) continue;
      if (call->last_sequence < newest || (cancelled && !call->cancel_requested) ||
          (end != v1::JOB_STATE_UNSPECIFIED && call->state != end)) {
        violations.push_back(
            fmt::format("{}: a read returned an older state than an earlier one", job));
      }
    }
  }
}

void CheckStreams(const History& history, const Snapshot& snapshot, Violations& violations) {
  for (const WatchStream& stream : history.streams) {
    const StoredJob* stored = Find(snapshot, stream.job);
    uint64_t expected = stream.after_sequence;
    for (const v1::Event& event : stream.events) {
      if (event.sequence() != ++expected) {
        violations.push_back(fmt::format("{}: a watch after {} sent event {} instead of {}",
                                         stream.job, stream.after_sequence, event.sequence(),
                                         expected));
        break;
      }
      if (stored == nullptr || expected > stored->events.size() ||
          event.SerializeAsString() != stored->events[expected - 1].SerializeAsString()) {
        violations.push_back(
            fmt::format("{}: a watch sent event {}, which is not stored", stream.job, expected));
        break;
      }
    }
    if (stream.code == absl::StatusCode::kOk && !stream.events.empty() &&
        !server::IsTerminal(stream.events.back())) {
      violations.push_back(fmt::format("{}: a watch ended before the job", stream.job));
    }
  }
}

}  // namespace

void CheckClients(const History& history, const Snapshot& snapshot, Violations& violations) {
  CheckSubmits(history, snapshot, violations);
  CheckCancels(history, snapshot, violations);
  CheckReads(history, violations);
  CheckStreams(history, snapshot, violations);
}

std::vector<std::string> Check(const History& history, const Snapshot& snapshot,
                               const CheckOptions& options) {
  Violations violations;
  CheckJobs(snapshot, options, violations);
  CheckBlobs(snapshot, options, violations);
  CheckQuota(snapshot, options, violations);
  CheckClients(history, snapshot, violations);
  CheckWorkers(history, snapshot, options, violations);
  return violations;
}

}  // namespace vico::fault
