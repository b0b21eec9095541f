// The engine as one job uses it, beside other jobs.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/log.h"
#include "worker/engine/engine.h"
#include "worker/job/engine_use.h"
#include "worker/job/job_context.h"

namespace vico::worker {

/// One thread at a time. Keeps references to its arguments.
///
/// Calls run beside those of other jobs. If the engine is lost in several calls, a generation or an
/// evaluation is tried once more, alone in a new engine, before its call returns; the callbacks of
/// what was reported already are left out then, and a warning ENGINE_RESTARTED is sent. A call that
/// does not begin within minutes, since another job is alone, returns kCancelled: the job is better
/// given back.
///
/// Ready() and Restart() wait until other jobs have left the engine, and the next call runs alone:
/// after Ready(), a training until it has stored a checkpoint and takes the next. Restart() of a
/// generation does not wait for a training or an evaluation; it returns kCancelled then.
class JobEngine final : public Engine {
 public:
  JobEngine(Engine& engine, EngineUse& use, EngineUse::Length length, JobContext& context,
            const Log& log)
      : engine_(engine), use_(use), context_(context), log_(log), user_{.length = length} {}
  ~JobEngine() override { use_.Withdraw(user_); }
  JobEngine(const JobEngine&) = delete;
  JobEngine& operator=(const JobEngine&) = delete;

  std::vector<BaseModelOffer> offers() const override { return engine_.offers(); }
  std::string device() const override { return engine_.device(); }
  int devices() const override { return engine_.devices(); }
  int most_generations() const override { return engine_.most_generations(); }
  EngineLoad load() const override { return engine_.load(); }

  absl::StatusOr<TrainedAdapter> Train(const v1::TrainSpec& spec,
                                       const std::vector<std::string>& pictures,
                                       const TrainCallbacks& callbacks) override;
  absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec, const GenerationInputs& inputs,
                                const GenerateCallbacks& callbacks) override;
  absl::StatusOr<EvaluatedAdapter> Evaluate(const v1::EvaluateSpec& spec,
                                            const AdapterSource& adapter,
                                            const std::vector<std::string>& pictures,
                                            const EvaluateCallbacks& callbacks) override;
  absl::Status Ready() override;
  absl::Status Restart() override;

 private:
  template <typename Call>
  auto Once(const Call& call) -> decltype(call());
  template <typename Call>
  auto OnceMoreIfLostWithOthers(const Call& call) -> decltype(call());
  /// What the callbacks of a call have reported.
  struct Reported {
    std::set<std::pair<int, int64_t>> previews{};  // picture and step
    std::set<int> pictures{};
    std::set<std::pair<std::string, std::string>> warnings{};  // reason and message
  };
  /// Callbacks that leave out what was reported before.
  GenerateCallbacks OnlyNew(const GenerateCallbacks& callbacks, Reported& reported);
  EvaluateCallbacks OnlyNew(const EvaluateCallbacks& callbacks, Reported& reported);
  bool IsNew(int64_t step);
  bool GoesOn() { return ::vico::worker::GoesOn(context_.Check()); }

  Engine& engine_;
  EngineUse& use_;
  JobContext& context_;
  const Log log_;
  EngineUse::User user_;
  int64_t reported_step_ = 0;  // of all calls
  bool shares_again_ = false;  // the lone training, after its checkpoints
};

}  // namespace vico::worker
