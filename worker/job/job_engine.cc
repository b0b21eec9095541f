#include "worker/job/job_engine.h"

#include <fmt/format.h>

#include "common/status.h"
#include "worker/job/run_job.h"

namespace vico::worker {
namespace {

// For a job that is alone. It may be a training that fits into memory only alone and takes hours.
constexpr absl::Duration kPatience = absl::Minutes(5);

}  // namespace

/// A call beside others, or alone if the user is alone.
template <typename Call>
auto JobEngine::Once(const Call& call) -> decltype(call()) {
  if (!use_.IsAlone(user_)) {
    const absl::Duration deadline = context_.clock().Uptime() + kPatience;
    RETURN_IF_ERROR(
        use_.Enter(user_, [&] { return GoesOn() && context_.clock().Uptime() < deadline; }));
  }
  auto result = call();
  use_.Leave(user_, IsLostEngine(result.status()));
  return result;
}

template <typename Call>
auto JobEngine::OnceMoreIfLostWithOthers(const Call& call) -> decltype(call()) {
  auto result = Once(call);
  if (!IsLostEngine(result.status()) || !user_.lost_with_others || !GoesOn()) return result;
  log_.Warning("the engine was lost with several jobs in it; trying once more alone",
               {{"error", result.status().ToString()}});
  if (const absl::Status ready = Ready(); !ready.ok()) {
    return absl::CancelledError("the engine is not ready again: " + ready.ToString());
  }
  context_.Warn("ENGINE_RESTARTED", fmt::format("{}; the job is tried once more alone in a new one",
                                                std::string(result.status().message())));
  return Once(call);
}

absl::StatusOr<TrainedAdapter> JobEngine::Train(const v1::TrainSpec& spec,
                                                const std::vector<std::string>& pictures,
                                                const TrainCallbacks& callbacks) {
  TrainCallbacks sharing = callbacks;
  int checkpoints = 0;
  sharing.on_checkpoint = [&](TrainCheckpoint checkpoint) {
    // Returns when the checkpoint before this one is stored.
    callbacks.on_checkpoint(std::move(checkpoint));
    if (shares_again_ && ++checkpoints == 2) use_.Share(user_);
  };
  return Once([&] { return engine_.Train(spec, pictures, sharing); });
}

bool JobEngine::IsNew(int64_t step) {
  if (step <= reported_step_) return false;
  reported_step_ = step;
  return true;
}

GenerateCallbacks JobEngine::OnlyNew(const GenerateCallbacks& callbacks, Reported& reported) {
  GenerateCallbacks once;
  once.on_step = [&, this](int64_t step, int64_t total_steps) {
    return IsNew(step) ? callbacks.on_step(step, total_steps) : GoesOn();
  };
  once.on_preview = [&](int picture, int64_t step, const PngPicture& png) {
    if (reported.pictures.contains(picture) || !reported.previews.emplace(picture, step).second)
      return;
    callbacks.on_preview(picture, step, png);
  };
  once.on_picture = [&](int picture, const PngPicture& png) {
    if (reported.pictures.insert(picture).second) callbacks.on_picture(picture, png);
  };
  once.on_warning = [&](const std::string& reason, const std::string& message) {
    if (reported.warnings.emplace(reason, message).second) callbacks.on_warning(reason, message);
  };
  return once;
}

EvaluateCallbacks JobEngine::OnlyNew(const EvaluateCallbacks& callbacks, Reported& reported) {
  EvaluateCallbacks once = callbacks;
  once.on_step = [&, this](int64_t step, int64_t total_steps) {
    return IsNew(step) ? callbacks.on_step(step, total_steps) : GoesOn();
  };
  once.on_warning = [&](const std::string& reason, const std::string& message) {
    if (reported.warnings.emplace(reason, message).second) callbacks.on_warning(reason, message);
  };
  return once;
}

absl::StatusOr<bool> JobEngine::Generate(const v1::GenerateSpec& spec,
                                         const GenerationInputs& inputs,
                                         const GenerateCallbacks& callbacks) {
  Reported reported;
  const GenerateCallbacks once = OnlyNew(callbacks, reported);
  return OnceMoreIfLostWithOthers([&] { return engine_.Generate(spec, inputs, once); });
}

absl::StatusOr<EvaluatedAdapter> JobEngine::Evaluate(const v1::EvaluateSpec& spec,
                                                     const AdapterSource& adapter,
                                                     const std::vector<std::string>& pictures,
                                                     const EvaluateCallbacks& callbacks) {
  Reported reported;
  const EvaluateCallbacks once = OnlyNew(callbacks, reported);
  return OnceMoreIfLostWithOthers([&] { return engine_.Evaluate(spec, adapter, pictures, once); });
}

absl::Status JobEngine::Ready() {
  RETURN_IF_ERROR(use_.BeAlone(user_, [this] { return GoesOn(); }));
  shares_again_ = true;
  return engine_.Ready();
}

absl::Status JobEngine::Restart() {
  if (user_.length == EngineUse::Length::kShort && use_.NoteCrowded()) {
    return absl::CancelledError("no memory beside a training or an evaluation");
  }
  RETURN_IF_ERROR(use_.BeAlone(user_, [this] { return GoesOn(); }));
  shares_again_ = false;
  return engine_.Restart();
}

}  // namespace vico::worker
