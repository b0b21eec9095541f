// The rules about leases, from the workers' side.
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
using Records = std::vector<const WorkerRecord*>;

// How much too early a lease may end: client and server read the clock at different times.
constexpr int64_t kClockSlackUs = 30'000;

bool Answered(const WorkerRecord& record) { return record.code == "OK"; }

/// After the next attempt was granted, the server accepts no report of an older attempt.
void CheckExclusion(const std::string& job, const Records& records, Violations& violations) {
  for (const WorkerRecord* grant : records) {
    if (grant->what != "lease" || !Answered(*grant)) continue;
    for (const WorkerRecord* old : records) {
      if (old->what == "report" && Answered(*old) && old->attempt < grant->attempt &&
          old->called_us > grant->answered_us) {
        violations.push_back(
            fmt::format("{}: a report of attempt {} was accepted during attempt {}", job,
                        old->attempt, grant->attempt));
      }
    }
  }
}

std::string ResultOf(const Snapshot& snapshot, const v1::Job& job) {
  if (job.kind() == v1::JOB_KIND_GENERATION) {
    return job.pictures_size() == 0 ? "" : job.pictures(0).blob().sha256();
  }
  if (job.kind() == v1::JOB_KIND_EVALUATION) {
    const auto sheet = snapshot.sheets.find(job.name());
    return sheet == snapshot.sheets.end() ? "" : sheet->second.sha256();
  }
  for (const auto& [tenant, adapter] : snapshot.adapters) {
    if (adapter.name() == job.adapter()) return adapter.blob().sha256();
  }
  return "";
}

/// An acknowledged result is the job's result, and a job's result is from the last attempt.
void CheckFinishes(const Snapshot& snapshot, const StoredJob& stored, const Records& records,
                   Violations& violations) {
  const v1::Job& job = stored.job;
  std::set<std::string> made_by_last;
  for (const WorkerRecord* record : records) {
    if (record->what != "finish" || record->blob.empty()) continue;
    if (record->attempt == job.attempt()) made_by_last.insert(record->blob);
    if (!Answered(*record)) continue;
    if (job.state() != v1::JOB_STATE_SUCCEEDED || record->attempt != job.attempt() ||
        ResultOf(snapshot, job) != record->blob) {
      violations.push_back(
          fmt::format("{}: the result of attempt {} was acknowledged and is not "
                      "the job's result",
                      job.name(), record->attempt));
    }
  }
  if (job.state() == v1::JOB_STATE_SUCCEEDED && !records.empty() &&
      !made_by_last.contains(ResultOf(snapshot, job))) {
    violations.push_back(fmt::format("{}: its result is not from the last attempt", job.name()));
  }
}

void CheckReports(const StoredJob& stored, const Records& records, Violations& violations) {
  std::set<std::pair<int, int64_t>> steps;
  for (const v1::Event& event : stored.events) {
    if (event.has_progress()) steps.emplace(event.attempt(), event.progress().step());
  }
  for (const WorkerRecord* record : records) {
    if (record->what == "report" && Answered(*record) && record->step > 0 &&
        !steps.contains({record->attempt, record->step})) {
      violations.push_back(
          fmt::format("{}: step {} of attempt {} was acknowledged and is not "
                      "stored",
                      stored.job.name(), record->step, record->attempt));
    }
  }
}

/// A job returns to the queue only if its worker finished the attempt or sent nothing for the
/// duration of a lease.
void CheckEarlyReturns(const History& history, const StoredJob& stored, const Records& records,
                       int64_t lease_us, Violations& violations) {
  for (const v1::Event& event : stored.events) {
    if (!event.has_queued() || event.attempt() == 0) continue;
    const int64_t returned =
        TimeUtil::TimestampToMicroseconds(event.time()) - history.wall_minus_boot_us;
    bool finished = false;
    int64_t contact = 0;
    for (const WorkerRecord* record : records) {
      if (record->attempt != event.attempt()) continue;
      finished = finished || record->what == "finish";
      if (record->what != "finish" && Answered(*record) && record->answered_us < returned) {
        contact = std::max(contact, record->called_us);
      }
    }
    if (!finished && contact != 0 && returned < contact + lease_us - kClockSlackUs) {
      violations.push_back(fmt::format("{}: attempt {} lost its lease {} ms after a report",
                                       stored.job.name(), event.attempt(),
                                       (returned - contact) / 1000));
    }
  }
}

}  // namespace

void CheckWorkers(const History& history, const Snapshot& snapshot, const CheckOptions& options,
                  Violations& violations) {
  std::map<std::string, Records> by_job;
  for (const WorkerRecord& record : history.workers) {
    if (!record.job.empty()) by_job[record.job].push_back(&record);
  }
  for (const auto& [name, records] : by_job) {
    const auto stored = snapshot.jobs.find(name);
    if (stored == snapshot.jobs.end()) {
      violations.push_back(fmt::format("{}: a worker leased it and it does not exist", name));
      continue;
    }
    CheckExclusion(name, records, violations);
    CheckFinishes(snapshot, stored->second, records, violations);
    CheckReports(stored->second, records, violations);
    if (options.lease_us > 0) {
      CheckEarlyReturns(history, stored->second, records, options.lease_us, violations);
    }
  }
}

}  // namespace vico::fault
