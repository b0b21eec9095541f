#include "worker/serving/served_calls.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "worker/serving/serve.h"

namespace vico::worker {
namespace {

namespace wire = engine::v1;

wire::FromEngine Serve(Engine& engine, ServedCall& call, const wire::ToEngine& request) {
  if (request.has_train()) return ServeTraining(engine, call, request.train());
  if (request.has_generate()) return ServeGeneration(engine, call, request.generate());
  return ServeEvaluation(engine, call, request.evaluate());
}

}  // namespace

absl::Status ServedCalls::Take(wire::ToEngine message) {
  switch (message.what_case()) {
    case wire::ToEngine::kTrain:
    case wire::ToEngine::kGenerate:
    case wire::ToEngine::kEvaluate:
      return Begin(std::move(message));
    case wire::ToEngine::kAnswer:
    case wire::ToEngine::kReceived:
      return Reply(std::move(message));
    case wire::ToEngine::WHAT_NOT_SET:
      break;
  }
  return absl::DataLossError("channel: an empty message");
}

absl::Status ServedCalls::Begin(wire::ToEngine request) {
  JoinEnded();
  const uint64_t number = request.call();
  const bool generates = request.has_generate();
  auto call = std::make_shared<ServedCall>(number, channel_);
  MutexLock lock(mutex_);
  if (number == 0 || running_.contains(number)) {
    return absl::DataLossError(fmt::format("channel: cannot begin a call {}", number));
  }
  if (!HasRoomFor(generates)) {
    lock.Unlock();
    wire::FromEngine refusal;
    *refusal.mutable_failed() =
        ToProto(absl::UnavailableError("the engine runs as many calls of this kind as it can"));
    call->End(std::move(refusal));
    return absl::OkStatus();
  }
  Running& running = running_[number];
  running = {.call = call, .generates = generates, .thread = {}};
  running.thread = std::thread([this, call, request = std::move(request)] { Run(*call, request); });
  return absl::OkStatus();
}

bool ServedCalls::HasRoomFor(bool generation) const {
  const auto running = std::ranges::count_if(
      running_, [&](const auto& entry) { return entry.second.generates == generation; });
  return running < (generation ? engine_.most_generations() : 1);
}

void ServedCalls::Run(ServedCall& call, const wire::ToEngine& request) {
  wire::FromEngine end = Serve(engine_, call, request);
  end.set_loaded_adapters(engine_.load().loaded_adapters);
  {
    // Before the worker learns of the end, after which it may begin another call.
    const MutexLock lock(mutex_);
    auto entry = running_.extract(request.call());
    ended_.push_back(std::move(entry.mapped().thread));
    changed_.NotifyAll();
  }
  call.End(std::move(end));
}

absl::Status ServedCalls::Reply(wire::ToEngine reply) {
  std::shared_ptr<ServedCall> call;
  {
    const MutexLock lock(mutex_);
    const auto found = running_.find(reply.call());
    if (found != running_.end()) call = found->second.call;
  }
  if (call != nullptr) return call->Take(std::move(reply));
  if (reply.has_received()) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("channel: an answer for call {}, which does not run", reply.call()));
}

size_t ServedCalls::Break(const absl::Status& why) {
  channel_.Shutdown();
  size_t count = 0;
  {
    const MutexLock lock(mutex_);
    count = running_.size();
    for (const auto& [number, running] : running_) running.call->Break(why);
    changed_.Wait(mutex_, [this] {
      mutex_.AssertHeld();
      return running_.empty();
    });
  }
  JoinEnded();
  return count;
}

void ServedCalls::JoinEnded() {
  std::vector<std::thread> ended;
  {
    const MutexLock lock(mutex_);
    ended = std::exchange(ended_, {});
  }
  for (std::thread& thread : ended) thread.join();
}

}  // namespace vico::worker
