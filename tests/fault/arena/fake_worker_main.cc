// vico-fake-worker: the real worker loop with an engine that computes nothing, so that a job takes
// milliseconds. It logs its calls for the checker.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "common/mutex.h"
#include "common/process/stop_signals.h"
#include "common/status.h"
#include "tests/fault/arena/forwarding_link.h"
#include "tests/fault/defects/renumbering_link.h"
#include "tests/fault/history/worker_log.h"
#include "tests/server/base_model_fixture.h"
#include "tests/support/tiny_png.h"
#include "worker/engine/engine.h"
#include "worker/engine/generation_pictures.h"
#include "worker/job/retry.h"
#include "worker/job/server_link.h"
#include "worker/lease/worker.h"

namespace vico::fault {
namespace {

constexpr int kSteps = 5;
constexpr int kCheckpointStep = 2;  // a drain adds another checkpoint

/// Its results contain the worker and the run, so that the results of two attempts differ. The
/// failpoint engine.mid_step loses the engine: every call that runs ends.
class FakeEngine final : public worker::Engine {
 public:
  FakeEngine(std::string worker, int step_ms) : worker_(std::move(worker)), step_(step_ms) {}

  std::vector<worker::BaseModelOffer> offers() const override {
    return {{.base_model = server::TestBaseModel(),
             .vocabulary = server::TestVocabulary(),
             .merges = server::TestMerges()}};
  }
  std::string device() const override { return "cpu"; }
  int most_generations() const override { return 64; }
  absl::Status Ready() override {
    died_ = false;
    return absl::OkStatus();
  }

  absl::StatusOr<worker::TrainedAdapter> Train(const v1::TrainSpec&,
                                               const std::vector<std::string>&,
                                               const worker::TrainCallbacks& callbacks) override {
    const std::string made = Made();
    int step = Resume(callbacks);
    while (++step <= kSteps) {
      RETURN_IF_ERROR(Step());
      if (step == 3) callbacks.on_sample({.step = step, .seed = 1, .picture = Png("sample", made)});
      if (step == 4) callbacks.on_mask({.step = step, .png = made + " mask", .coverage = 0.5});
      const bool go_on =
          callbacks.on_step({.step = step, .total_steps = kSteps, .loss = 1.0 / step});
      if (go_on ? step == kCheckpointStep : callbacks.wants_checkpoint(step, /*stopping=*/true)) {
        callbacks.on_checkpoint({.step = step, .serialize = [made] { return made + " state"; }});
      }
      if (!go_on) return worker::TrainedAdapter{.stopped = true};
    }
    return worker::TrainedAdapter{.safetensors = made + " adapter" + std::string(3000, '.')};
  }

  absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec, const worker::GenerationInputs&,
                                const worker::GenerateCallbacks& callbacks) override {
    const std::string made = Made();
    for (int step = 1; step <= kSteps; ++step) {
      RETURN_IF_ERROR(Step());
      if (!callbacks.on_step(step, kSteps)) return false;
    }
    for (int i = 0; i < worker::PictureCount(spec); ++i) {
      callbacks.on_picture(i, Png(fmt::format("picture {}", i), made));
    }
    return true;
  }

  absl::StatusOr<worker::EvaluatedAdapter> Evaluate(
      const v1::EvaluateSpec& spec, const worker::AdapterSource&, const std::vector<std::string>&,
      const worker::EvaluateCallbacks& callbacks) override {
    for (int step = 1; step <= kSteps; ++step) {
      RETURN_IF_ERROR(Step());
      if (!callbacks.on_step(step, kSteps)) return worker::EvaluatedAdapter{.stopped = true};
    }
    worker::EvaluatedAdapter evaluated;
    *evaluated.report.mutable_prompts() = spec.prompts();
    evaluated.sheet = Png("sheet", Made());
    return evaluated;
  }

 private:
  absl::Status Step() {
    std::this_thread::sleep_for(step_);
    if (!VICO_FAILPOINT_STATUS("engine.mid_step").ok()) died_ = true;
    if (!died_) return absl::OkStatus();
    return Error(absl::StatusCode::kUnavailable, "the engine died", worker::kEngineDied);
  }

  /// Returns the last step of the newest checkpoint that can be fetched; 0 without one.
  static int Resume(const worker::TrainCallbacks& callbacks) {
    for (const worker::CheckpointSource& checkpoint : callbacks.checkpoints) {
      if (!checkpoint.fetch().ok()) continue;
      callbacks.on_resumed(checkpoint.step,
                           std::vector<double>(static_cast<size_t>(checkpoint.step), 1.0));
      return static_cast<int>(checkpoint.step);
    }
    return 0;
  }

  std::string Made() { return fmt::format("by {} in run {}:", worker_, ++runs_); }
  static worker::PngPicture Png(const std::string& what, const std::string& made) {
    return {.bytes = TinyPng(made + " " + what), .width = 64, .height = 64};
  }

  const std::string worker_;
  const std::chrono::milliseconds step_;
  std::atomic<int> runs_{0};
  std::atomic<bool> died_{false};
};

/// Forwards to a real link and logs every registration, lease, report and finish.
class RecordingLink final : public ForwardingLink {
 public:
  RecordingLink(worker::ServerLink& link, std::string worker, std::string path)
      : ForwardingLink(link), worker_(std::move(worker)), path_(std::move(path)) {}

  absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request) override {
    WorkerRecord record = Record("register", "", "", BootMicros());
    auto answer = ForwardingLink::Register(request);
    Note(std::move(record), answer.status());
    return answer;
  }

  absl::StatusOr<v1::LeaseResponse> Lease(const v1::LeaseRequest& request,
                                          std::stop_token stop) override {
    const int64_t called = BootMicros();
    auto answer = ForwardingLink::Lease(request, std::move(stop));
    if (!answer.ok()) return answer;
    for (const v1::LeasedJob& job : answer->jobs()) {
      {
        const MutexLock lock(mutex_);
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
    auto answer = ForwardingLink::Report(request, timeout);
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
    auto answer = ForwardingLink::Finish(request);
    Note(std::move(record), answer.status());
    return answer;
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
    const MutexLock lock(mutex_);
    record.attempt = attempts_[lease_id];
    return record;
  }

  void Note(WorkerRecord record, const absl::Status& status) const {
    record.answered_us = BootMicros();
    record.code = absl::StatusCodeToString(status.code());
    AppendRecord(path_, record);
  }

  const std::string worker_;
  const std::string path_;
  Mutex mutex_;
  std::map<std::string, int> attempts_ ABSL_GUARDED_BY(mutex_);  // by lease
};

}  // namespace
}  // namespace vico::fault

int main(int argc, char** argv) {
  const vico::StopSignals signals;
  std::string server;
  std::string records;
  std::string defect;
  int step_ms = 2;
  vico::worker::WorkerOptions options;
  options.lease_wait = absl::Seconds(1);
  options.batch_jobs = 1;
  CLI::App app("A worker that computes nothing.");
  app.add_option("--server", server)->required();
  app.add_option("--name", options.name)->required();
  app.add_option("--records", records, "File to append the log of calls to")->required();
  app.add_option("--step-ms", step_ms, "Duration of each of the five steps of a job")
      ->check(CLI::Range(0, 60'000));
  app.add_option("--batch-jobs", options.batch_jobs, "As of vico-worker")->check(CLI::Range(1, 64));
  app.add_option("--defect", defect, "Name of a defect to plant; empty or unknown: none");
  CLI11_PARSE(app, argc, argv);

  const auto log = vico::Log::ToStderr("vico-fake-worker", "info");
  const auto link = vico::worker::OpenServerLink("--server", server);
  if (!log.ok() || !link.ok()) return 2;
  options.jitter_seed = static_cast<uint64_t>(getpid());
  options.on_hang = [] { std::_Exit(1); };
  const vico::SystemClock clock;
  vico::worker::SystemPause pause;
  vico::fault::FakeEngine engine(options.name, step_ms);
  vico::fault::RenumberingLink renumbering(**link);
  const bool renumbers = defect == "applied_then_error_is_failure";
  vico::worker::ServerLink& server_link = renumbers ? renumbering : **link;
  vico::fault::RecordingLink recording(server_link, options.name, records);
  vico::worker::Worker worker(recording, engine, clock, pause,
                              log->With({{"worker", options.name}}), options);
  const absl::Status end = worker.Run(signals.token());
  if (!end.ok()) std::fprintf(stderr, "%s\n", end.ToString().c_str());
  return end.ok() ? 0 : 1;
}
