// An engine in a child process, so that a crash, a hang or exhausted memory does not end the
// worker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/log.h"
#include "common/mutex.h"
#include "worker/engine/engine.h"
#include "worker/process/engine_call.h"
#include "worker/process/engine_connection.h"

namespace vico::worker {

/// Any thread, as Engine says. A lost engine ends all calls that run in it, with kUnavailable and
/// the reason ENGINE_DIED or, for a call that found that it hangs, ENGINE_HUNG. The next call
/// starts a new one.
class EngineProcess final : public Engine {
 public:
  /// Starts the process and waits until it has loaded the base models. Returns the engine's own
  /// error if it cannot load them.
  static absl::StatusOr<std::unique_ptr<EngineProcess>> Open(const EngineProcessOptions& options,
                                                             const Log& log);

  std::vector<BaseModelOffer> offers() const override { return offers_; }
  std::string device() const override { return device_; }
  int devices() const override { return devices_; }
  int most_generations() const override { return most_generations_; }
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
  absl::Status Ready() override { return Connected().status(); }
  absl::Status Restart() override;

  /// Sets how long an engine may send nothing for a call before it is killed; 2 min by default.
  /// Call it before the first job.
  void SetHang(absl::Duration hang) { hang_ = hang; }

  pid_t pid() const;  ///< 0 while the engine is lost

 private:
  using Connection = std::shared_ptr<EngineConnection>;

  EngineProcess(EngineProcessOptions options, const Log& log)
      : options_(std::move(options)), log_(log) {}
  absl::StatusOr<Connection> Connected();
  absl::StatusOr<Connection> Start() const;
  absl::StatusOr<std::unique_ptr<EngineCall>> Begin(engine::v1::ToEngine request);
  Connection Running() const;

  const EngineProcessOptions options_;
  const Log log_;
  // Of the first process. A later one with other base models is refused.
  std::vector<BaseModelOffer> offers_;
  std::string device_;
  int devices_ = 1;
  int most_generations_ = 1;
  absl::Duration hang_ = absl::Minutes(2);

  mutable Mutex mutex_;
  CondVar started_;
  bool starts_ ABSL_GUARDED_BY(mutex_) = false;    // a thread starts a process
  Connection connection_ ABSL_GUARDED_BY(mutex_);  // null before the first, and while one starts
};

}  // namespace vico::worker
