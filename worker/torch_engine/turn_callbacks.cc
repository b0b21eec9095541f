#include "worker/torch_engine/turn_callbacks.h"

#include <functional>
#include <utility>

namespace vico::worker {
namespace {

/// Makes `callback` give up the turn while it runs. One that is left out stays so.
template <typename Result, typename... Arguments>
void Wrap(HeldTurn& held, std::function<Result(Arguments...)>& callback) {
  if (!callback) return;
  callback = [&held, call = std::move(callback)](Arguments... arguments) {
    return held.Without([&] { return call(std::forward<Arguments>(arguments)...); });
  };
}

}  // namespace

TrainCallbacks WithoutTurn(const TrainCallbacks& callbacks, HeldTurn& held) {
  TrainCallbacks wrapped = callbacks;
  Wrap(held, wrapped.on_step);
  Wrap(held, wrapped.keep_going);
  Wrap(held, wrapped.on_sample);
  Wrap(held, wrapped.on_checkpoint);
  Wrap(held, wrapped.fetch_continued);
  for (CheckpointSource& source : wrapped.checkpoints) Wrap(held, source.fetch);
  return wrapped;
}

EvaluateCallbacks WithoutTurn(const EvaluateCallbacks& callbacks, HeldTurn& held) {
  EvaluateCallbacks wrapped = callbacks;
  Wrap(held, wrapped.on_step);
  Wrap(held, wrapped.keep_going);
  return wrapped;
}

}  // namespace vico::worker
