// vico-fake-worker: the worker's real loop over an engine without tensors, so that a job takes
// milliseconds. It writes down what it did, for the checker.
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/stop_signals.h"
#include "tests/fault/worker_log.h"
#include "tests/server/base_model_fixture.h"
#include "worker/engine/engine.h"
#include "worker/job/retry.h"
#include "worker/job/server_link.h"
#include "worker/job/worker.h"

namespace vico {

using server::TestBaseModel;
using server::TestMerges;
using server::TestVocabulary;
using worker::AdapterSource;
using worker::BaseModelOffer;
using worker::CheckpointSource;
using worker::Engine;
using worker::GenerateCallbacks;
using worker::LeaseKey;
using worker::PngPicture;
using worker::ServerLink;
using worker::TrainCallbacks;
using worker::TrainedAdapter;

namespace {

constexpr int kSteps = 5;
constexpr int kKeptStep = 2;  // of a training: its one checkpoint, but for that of a drain

/// What it makes says who made it, and never the same twice: two attempts can be told apart.
class FakeEngine final : public Engine {
 public:
  FakeEngine(std::string worker, int step_ms) : worker_(std::move(worker)), step_(step_ms) {}

  std::vector<BaseModelOffer> offers() const override {
    return {
        {.base_model = TestBaseModel(), .vocabulary = TestVocabulary(), .merges = TestMerges()}};
  }
  std::string device() const override { return "cpu"; }

  absl::StatusOr<TrainedAdapter> Train(const v1::TrainSpec&, const std::vector<std::string>&,
                                       const TrainCallbacks& callbacks) override {
    const std::string made = Made();
    int step = Resume(callbacks);
    while (++step <= kSteps) {
      std::this_thread::sleep_for(step_);
      if (step == 3) callbacks.on_sample(step, 1, Png("sample", made));
      if (step == 4) callbacks.on_mask({.step = step, .png = made + " mask", .coverage = 0.5});
      const bool go_on =
          callbacks.on_step({.step = step, .total_steps = kSteps, .loss = 1.0 / step});
      if (go_on ? step == kKeptStep : callbacks.wants_checkpoint(step, /*stopping=*/true)) {
        callbacks.on_checkpoint({.step = step, .serialize = [made] { return made + " state"; }});
      }
      if (!go_on) return TrainedAdapter{.stopped = true};
    }
    return TrainedAdapter{.safetensors = made + " adapter" + std::string(3000, '.'),
                          .reference = made + " reference"};
  }

  absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec, const AdapterSource*,
                                const GenerateCallbacks& callbacks) override {
    const std::string made = Made();
    for (int step = 1; step <= kSteps; ++step) {
      std::this_thread::sleep_for(step_);
      if (!callbacks.on_step(step, kSteps)) return false;
    }
    for (int i = 0; i < spec.seeds_size(); ++i) {
      callbacks.on_picture(i, Png(fmt::format("picture {}", i), made));
    }
    return true;
  }

 private:
  /// The step to go on after: 0 without a checkpoint that can be had.
  static int Resume(const TrainCallbacks& callbacks) {
    for (const CheckpointSource& kept : callbacks.checkpoints) {
      if (!kept.fetch().ok()) continue;
      callbacks.on_resumed(std::vector<double>(static_cast<size_t>(kept.step), 1.0));
      return static_cast<int>(kept.step);
    }
    return 0;
  }

  std::string Made() { return fmt::format("by {} in run {}:", worker_, ++runs_); }
  static PngPicture Png(const std::string& what, const std::string& made) {
    return {.bytes = made + " " + what, .width = 64, .height = 64};
  }

  const std::string worker_;
  const std::chrono::milliseconds step_;
  int runs_ = 0;
};

/// The real link, with every lease, report and finish written down.
class RecordingLink final : public ServerLink {
 public:
  RecordingLink(ServerLink& link, std::string worker, std::string path)
      : link_(link), worker_(std::move(worker)), path_(std::move(path)) {}

  absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request) override {
    WorkerRecord record = Record("register", "", "", BootMicros());
    auto answer = link_.Register(request);
    Note(std::move(record), answer.status());
    return answer;
  }

  absl::StatusOr<v1::LeaseResponse> Lease(const v1::LeaseRequest& request,
                                          std::stop_token stop) override {
    const int64_t called = BootMicros();
    auto answer = link_.Lease(request, std::move(stop));
    if (!answer.ok()) return answer;
    for (const v1::LeasedJob& job : answer->jobs()) {
      {
        const std::lock_guard lock(mutex_);
        attempts_[job.lease_id()] = job.attempt();
      }
      Note(Record("lease", job.job(), job.lease_id(), called), absl::OkStatus());
    }
    return answer;
  }

  absl::StatusOr<v1::ReportResponse> Report(const v1::ReportRequest& request,
                                            absl::Duration timeout) override {
    WorkerRecord record = Record("report", request.job(), request.lease_id(), BootMicros());
    for (const v1::Event& event : request.events()) {
      if (event.has_progress()) record.step = event.progress().step();
    }
    auto answer = link_.Report(request, timeout);
    Note(std::move(record), answer.status());
    return answer;
  }

  absl::StatusOr<v1::FinishResponse> Finish(const v1::FinishRequest& request) override {
    WorkerRecord record = Record("finish", request.job(), request.lease_id(), BootMicros());
    record.outcome = request.has_trained()     ? "trained"
                     : request.has_generated() ? "generated"
                     : request.has_failure()   ? "failure"
                     : request.has_released()  ? "released"
                                               : "cancelled";
    if (request.has_trained()) record.blob = request.trained().adapter().sha256();
    if (request.generated().pictures_size() > 0) {
      record.blob = request.generated().pictures(0).blob().sha256();
    }
    AppendRecord(path_, record);
    auto answer = link_.Finish(request);
    Note(std::move(record), answer.status());
    return answer;
  }

  absl::StatusOr<std::string> GetBlob(const v1::BlobRef& blob, const LeaseKey& lease) override {
    return link_.GetBlob(blob, lease);
  }
  absl::Status PutBlob(const v1::BlobRef& blob, std::string_view bytes,
                       const LeaseKey& lease) override {
    return link_.PutBlob(blob, bytes, lease);
  }

 private:
  WorkerRecord Record(std::string what, const std::string& job, const std::string& lease_id,
                      int64_t called) {
    WorkerRecord record;
    record.what = std::move(what);
    record.worker = worker_;
    record.job = job;
    record.lease_id = lease_id;
    record.called_us = called;
    const std::lock_guard lock(mutex_);
    record.attempt = attempts_[lease_id];
    return record;
  }

  void Note(WorkerRecord record, const absl::Status& status) const {
    record.answered_us = BootMicros();
    record.code = absl::StatusCodeToString(status.code());
    AppendRecord(path_, record);
  }

  ServerLink& link_;
  const std::string worker_;
  const std::string path_;
  std::mutex mutex_;
  std::map<std::string, int> attempts_;  // by lease; guarded by mutex_
};

}  // namespace
}  // namespace vico

int main(int argc, char** argv) {
  const vico::StopSignals signals;
  std::string server;
  std::string records;
  int step_ms = 2;
  vico::worker::WorkerOptions options;
  options.lease_wait = absl::Seconds(1);
  CLI::App app("A worker that computes nothing.");
  app.add_option("--server", server)->required();
  app.add_option("--name", options.name)->required();
  app.add_option("--records", records, "File that its calls are appended to")->required();
  app.add_option("--step-ms", step_ms, "Of one of its five steps")->check(CLI::Range(0, 60'000));
  CLI11_PARSE(app, argc, argv);

  const auto log = vico::Log::ToStderr("vico-fake-worker", "info");
  const auto link = vico::worker::OpenServerLink("--server", server);
  if (!log.ok() || !link.ok()) return 2;
  options.jitter_seed = static_cast<uint64_t>(getpid());
  options.on_hang = [] { std::_Exit(1); };
  const vico::SystemClock clock;
  vico::worker::SystemPause pause;
  vico::FakeEngine engine(options.name, step_ms);
  vico::RecordingLink recording(**link, options.name, records);
  vico::worker::Worker worker(recording, engine, clock, pause, log->With({{"worker", options.name}}),
                      options);
  const absl::Status end = worker.Run(signals.token());
  if (!end.ok()) std::fprintf(stderr, "%s\n", end.ToString().c_str());
  return end.ok() ? 0 : 1;
}
