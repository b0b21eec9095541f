// An engine in a child process, so that a crash, a hang or exhausted memory does not end the
// worker.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/log.h"
#include "vico/engine/v1/engine.pb.h"
#include "worker/engine/engine.h"
#include "worker/process/child.h"

namespace vico::worker {

struct EngineProcessOptions {
  std::vector<std::string> command;          ///< the program's path and its flags
  absl::Duration start = absl::Minutes(30);  ///< to load the base models
};

/// Use it on the thread that opened it; load() on any.
class EngineProcess final : public Engine {
 public:
  /// Starts the process and waits until it has loaded the base models. Returns the engine's own
  /// error if it cannot load them.
  static absl::StatusOr<std::unique_ptr<EngineProcess>> Open(const EngineProcessOptions& options,
                                                             const Log& log);

  std::vector<BaseModelOffer> offers() const override { return offers_; }
  std::string device() const override { return device_; }
  int devices() const override { return devices_; }
  absl::StatusOr<TrainedAdapter> Train(const v1::TrainSpec& spec,
                                       const std::vector<std::string>& pictures,
                                       const TrainCallbacks& callbacks) override;
  absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec, const GenerationInputs& inputs,
                                const GenerateCallbacks& callbacks) override;
  absl::StatusOr<EvaluatedAdapter> Evaluate(const v1::EvaluateSpec& spec,
                                            const AdapterSource& adapter,
                                            const std::vector<std::string>& pictures,
                                            const EvaluateCallbacks& callbacks) override;
  EngineLoad load() const override;
  absl::Status Ready() override;
  absl::Status Restart() override;

  /// Sets how long an engine may send nothing during a job before it is killed; 2 min by default.
  void SetHang(absl::Duration hang) { hang_ = hang; }

  pid_t pid() const { return child_ == nullptr ? 0 : child_->pid(); }

 private:
  EngineProcess(EngineProcessOptions options, const Log& log)
      : options_(std::move(options)), log_(log) {}
  absl::Status Start();
  absl::Status Send(const engine::v1::ToEngine& message);
  absl::Status Receive(engine::v1::FromEngine& message);
  absl::Status Answer(engine::v1::Answer answer);
  absl::Status Answer(bool yes);
  absl::Status HandleLoss(const absl::Status& why);

  const EngineProcessOptions options_;
  const Log log_;
  std::vector<BaseModelOffer> offers_;
  std::string device_;
  int devices_ = 1;
  absl::Duration hang_ = absl::Minutes(2);
  std::unique_ptr<Child> child_;         // null once lost
  std::atomic<pid_t> running_{0};        // the child's, for load()
  std::atomic<int> loaded_adapters_{0};  // as last reported
};

}  // namespace vico::worker
