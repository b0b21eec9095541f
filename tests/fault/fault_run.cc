#include "tests/fault/fault_run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <deque>
#include <map>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "common/ids.h"
#include "common/mutex.h"
#include "common/status.h"
#include "server/jobs/job.h"
#include "tests/fault/caller.h"

namespace vico::fault {
namespace {

using google::protobuf::util::TimeUtil;

int64_t WallMinusBoot() {
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  return int64_t{wall.tv_sec} * 1'000'000 + wall.tv_nsec / 1000 - BootMicros();
}

/// The clients of a run.
class Clients {
 public:
  Clients(const FaultRun& run, std::string address) : run_(run), address_(std::move(address)) {}

  /// Returns when every job was watched to its end, or after `patience_seconds`.
  void Play() {
    std::string trained;
    {
      Caller caller(address_, recorder_, stop_.get_token());
      trained = caller.UploadConcept();
    }
    std::jthread alarm([this](const std::stop_token& done) { Alarm(done); });
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < run_.watchers; ++i) threads.emplace_back([this] { WatchAll(); });
      std::vector<std::jthread> submitters;
      for (int i = 0; i < run_.submitters; ++i) {
        submitters.emplace_back([this, i, &trained] { SubmitAll(i, trained); });
      }
      submitters.clear();
      {
        const MutexLock lock(mutex_);
        all_submitted_ = true;
      }
      wake_.NotifyAll();
    }
    alarm.request_stop();
  }

  History Take() { return recorder_.Take(); }
  int jobs() const { return made_; }
  /// Whether the time ran out before every job was watched to its end.
  bool late() const { return late_; }

 private:
  void Alarm(const std::stop_token& done) {
    const std::chrono::duration<double> patience(run_.patience_seconds);
    if (!Eventually([&] { return done.stop_requested(); },
                    std::chrono::duration_cast<std::chrono::milliseconds>(patience))) {
      late_ = true;
      stop_.request_stop();
    }
    wake_.NotifyAll();
  }

  void SubmitAll(int which, const std::string& trained) {
    Caller caller(address_, recorder_, stop_.get_token());
    std::vector<std::pair<std::string, std::string>> earlier;
    for (int i = which; i < run_.jobs; i += run_.submitters) {
      const std::string request_id = NewId();
      const std::string what = i % 3 == 0 ? trained : "";
      const std::string job = caller.Submit(request_id, what);
      if (job.empty()) continue;
      ++made_;
      earlier.emplace_back(request_id, what);
      caller.Get(job);
      {
        const MutexLock lock(mutex_);
        to_watch_.push_back(job);
      }
      wake_.NotifyAll();
      if (i % 3 == 1) caller.Submit(request_id, what);
      if (run_.cancel_every > 0 && i % run_.cancel_every == 0) {
        caller.Cancel(job);
        caller.Get(job);
      }
    }
    for (const auto& [request_id, what] : earlier) caller.Submit(request_id, what);
  }

  void WatchAll() {
    Caller caller(address_, recorder_, stop_.get_token());
    for (int turn = 0;; ++turn) {
      std::string job;
      {
        const MutexLock lock(mutex_);
        wake_.Wait(mutex_, [this] {
          mutex_.AssertHeld();
          return !to_watch_.empty() || all_submitted_ || stop_.stop_requested();
        });
        if (to_watch_.empty()) return;
        job = to_watch_.front();
        to_watch_.pop_front();
      }
      caller.Watch(job);
      caller.Get(job);
      if (run_.restart_watches > 0 && turn % run_.restart_watches == 0) caller.Watch(job, 2);
    }
  }

  const FaultRun& run_;
  const std::string address_;
  HistoryRecorder recorder_;
  std::stop_source stop_;
  std::atomic<int> made_{0};
  std::atomic<bool> late_{false};
  Mutex mutex_;
  CondVar wake_;
  std::deque<std::string> to_watch_ ABSL_GUARDED_BY(mutex_);
  bool all_submitted_ ABSL_GUARDED_BY(mutex_) = false;
};

/// The most leases that a worker held at once: from the answer to a lease to the call that finished
/// it.
int MostHeld(std::vector<WorkerRecord> records) {
  std::sort(records.begin(), records.end(), [](const WorkerRecord& one, const WorkerRecord& other) {
    const auto time = [](const WorkerRecord& record) {
      return record.what == "lease" ? record.answered_us : record.called_us;
    };
    return time(one) < time(other);
  });
  std::map<std::string, std::set<std::string>> held;  // leases by worker
  size_t most = 0;
  for (const WorkerRecord& record : records) {
    std::set<std::string>& leases = held[record.worker];
    if (record.what == "lease") leases.insert(record.lease_id);
    if (record.what == "finish") leases.erase(record.lease_id);
    most = std::max(most, leases.size());
  }
  return static_cast<int>(most);
}

}  // namespace

bool FaultVerdict::Hit(const std::string& line) const {
  return std::find(hits.begin(), hits.end(), line) != hits.end();
}

std::string FaultVerdict::Text() const {
  std::string text;
  for (size_t i = 0; i < violations.size() && i < 20; ++i) text += "  " + violations[i] + "\n";
  return text;
}

std::string FailuresText(const RunOutcome& outcome) {
  std::string text;
  for (const auto& [reason, count] : outcome.failed) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", reason, count);
  }
  return text.empty() ? "none" : text;
}

RunOutcome JudgeRun(const Arena& arena, History history, const CheckOptions& options) {
  RunOutcome outcome;
  history.workers = ReadRecords(arena.records());
  outcome.most_held = MostHeld(history.workers);
  history.wall_minus_boot_us = WallMinusBoot();
  const auto snapshot = arena.Read();
  if (!snapshot.ok()) {
    outcome.violations.push_back("what is stored cannot be read: " + snapshot.status().ToString());
    return outcome;
  }
  outcome.violations = Check(history, *snapshot, options);
  for (const auto& [name, stored] : snapshot->jobs) {
    outcome.requeued += stored.job.attempt() > 1 ? 1 : 0;
    if (stored.job.state() == v1::JOB_STATE_FAILED) {
      ++outcome.failed[Reason(FromProto(stored.job.error()))];
    }
    for (const v1::Event& event : stored.events) {
      if (!event.has_queued() || event.attempt() == 0) continue;
      outcome.returns_us.push_back(TimeUtil::TimestampToMicroseconds(event.time()) -
                                   history.wall_minus_boot_us);
    }
  }
  for (const WorkerRecord& record : history.workers) {
    outcome.aborted += record.code == "ABORTED" ? 1 : 0;
  }
  return outcome;
}

FaultVerdict PlayRun(const FaultRun& run) {
  const auto started = std::chrono::steady_clock::now();
  FaultVerdict verdict;
  Arena arena(run.arena);
  if (!arena.WaitForServer()) {
    verdict.violations.emplace_back("the server did not start");
    return verdict;
  }
  Clients clients(run, arena.address());
  // A failpoint may keep a worker from registering, so this wait is short.
  Eventually([&] { return arena.registered() >= run.arena.workers; }, std::chrono::seconds(10));
  {
    std::jthread disturber;
    if (run.disturb) {
      disturber = std::jthread([&](const std::stop_token& stop) { run.disturb(arena, stop); });
    }
    clients.Play();
  }
  verdict.server_starts = arena.server_starts();
  verdict.worker_starts = arena.worker_starts();
  const auto exit_code = arena.Stop();
  static_cast<RunOutcome&>(verdict) = JudgeRun(arena, clients.Take(), run.check);
  if (exit_code != 0) {
    verdict.violations.push_back(
        fmt::format("the server did not drain: exit code {}",
                    exit_code ? std::to_string(*exit_code) : "none, it was killed"));
  }
  verdict.jobs = clients.jobs();
  if (run.all_acknowledged && clients.late()) {
    verdict.violations.push_back(
        fmt::format("not every job was watched to its end within {:.0f} s", run.patience_seconds));
  }
  if (run.all_acknowledged && verdict.jobs != run.jobs) {
    verdict.violations.push_back(
        fmt::format("{} of {} jobs were acknowledged", verdict.jobs, run.jobs));
  }
  verdict.hits = arena.Hits();
  verdict.log = arena.log();
  verdict.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return verdict;
}

}  // namespace vico::fault
