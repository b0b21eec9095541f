// An engine in a process of its own, so that one that crashes, hangs or runs out of memory takes
// nobody with it.
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

/// As Engine says. On the thread that opened it.
class EngineProcess final : public Engine {
 public:
  /// Starts it and waits for its base models. The engine's own error when it cannot load them.
  static absl::StatusOr<std::unique_ptr<EngineProcess>> Open(const EngineProcessOptions& options,
                                                             const Log& log);

  std::vector<BaseModelOffer> offers() const override { return offers_; }
  std::string device() const override { return device_; }
  absl::StatusOr<TrainedAdapter> Train(const v1::TrainSpec& spec,
                                       const std::vector<std::string>& pictures,
                                       const TrainCallbacks& callbacks) override;
  absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec, const AdapterSource* adapter,
                                const GenerateCallbacks& callbacks) override;
  EngineLoad load() const override;
  absl::Status Ready() override;
  absl::Status Restart() override;

  /// Without a sign of life for so long during a job it is killed; 2 min unless set.
  void SetHang(absl::Duration hang) { hang_ = hang; }

  pid_t pid() const { return child_ == nullptr ? 0 : child_->pid(); }

 private:
  EngineProcess(EngineProcessOptions options, const Log& log)
      : options_(std::move(options)), log_(log) {}
  absl::Status Start();
  absl::Status Request(const engine::v1::ToEngine& request);
  absl::Status Next(engine::v1::FromEngine& message);
  absl::Status Answer(engine::v1::Answer answer);
  absl::Status Answer(bool yes);
  absl::Status Lost(const absl::Status& why);

  const EngineProcessOptions options_;
  const Log log_;
  std::vector<BaseModelOffer> offers_;
  std::string device_;
  absl::Duration hang_ = absl::Minutes(2);
  std::unique_ptr<Child> child_;         // null once lost
  std::atomic<pid_t> running_{0};        // the child's, for load()
  std::atomic<int> loaded_adapters_{0};  // as it last said
};

}  // namespace vico::worker
