#include "worker/process/engine_process.h"

#include <algorithm>
#include <utility>

#include "common/process/resident_bytes.h"
#include "common/status.h"
#include "worker/process/forward.h"

namespace vico::worker {
namespace {

std::vector<BaseModelOffer> OffersIn(const engine::v1::Hello& hello) {
  std::vector<BaseModelOffer> offers;
  for (const engine::v1::Offer& offer : hello.offers()) {
    offers.push_back({.base_model = offer.base_model(),
                      .vocabulary = offer.vocabulary(),
                      .merges = offer.merges(),
                      .added_tokens = offer.added_tokens()});
  }
  return offers;
}

bool AreSame(const std::vector<BaseModelOffer>& a, const std::vector<BaseModelOffer>& b) {
  return std::ranges::equal(a, b, [](const BaseModelOffer& x, const BaseModelOffer& y) {
    return x.base_model.name() == y.base_model.name() &&
           x.base_model.digest() == y.base_model.digest();
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<EngineProcess>> EngineProcess::Open(
    const EngineProcessOptions& options, const Log& log) {
  std::unique_ptr<EngineProcess> process(new EngineProcess(options, log));
  ASSIGN_OR_RETURN(const Connection connection, process->Connected());
  const engine::v1::Hello& hello = connection->hello();
  process->offers_ = OffersIn(hello);
  process->device_ = hello.device();
  process->devices_ = std::max(1, hello.devices());
  process->most_generations_ = std::max(1, hello.most_generations());
  return process;
}

absl::StatusOr<TrainedAdapter> EngineProcess::Train(const v1::TrainSpec& spec,
                                                    const std::vector<std::string>& pictures,
                                                    const TrainCallbacks& callbacks) {
  ASSIGN_OR_RETURN(const auto call, Begin(RequestOf(spec, pictures, callbacks)));
  return ForwardTraining(*call, callbacks);
}

absl::StatusOr<bool> EngineProcess::Generate(const v1::GenerateSpec& spec,
                                             const GenerationInputs& inputs,
                                             const GenerateCallbacks& callbacks) {
  ASSIGN_OR_RETURN(const auto call, Begin(RequestOf(spec, inputs)));
  return ForwardGeneration(*call, inputs, callbacks);
}

absl::StatusOr<EvaluatedAdapter> EngineProcess::Evaluate(const v1::EvaluateSpec& spec,
                                                         const AdapterSource& adapter,
                                                         const std::vector<std::string>& pictures,
                                                         const EvaluateCallbacks& callbacks) {
  ASSIGN_OR_RETURN(const auto call, Begin(RequestOf(spec, adapter, pictures)));
  return ForwardEvaluation(*call, adapter, callbacks);
}

EngineLoad EngineProcess::load() const {
  const Connection connection = Running();
  if (connection == nullptr) return {};
  return {.memory_bytes = ResidentBytes(connection->pid()),
          .loaded_adapters = connection->loaded_adapters()};
}

pid_t EngineProcess::pid() const {
  const Connection connection = Running();
  return connection == nullptr ? 0 : connection->pid();
}

absl::Status EngineProcess::Restart() {
  if (const Connection connection = Running(); connection != nullptr) {
    connection->End(absl::OkStatus());
  }
  return Ready();
}

EngineProcess::Connection EngineProcess::Running() const {
  const MutexLock lock(mutex_);
  return connection_ == nullptr || connection_->has_ended() ? nullptr : connection_;
}

absl::StatusOr<std::unique_ptr<EngineCall>> EngineProcess::Begin(engine::v1::ToEngine request) {
  ASSIGN_OR_RETURN(Connection connection, Connected());
  return EngineCall::Begin(std::move(connection), std::move(request), hang_);
}

absl::StatusOr<EngineProcess::Connection> EngineProcess::Connected() {
  MutexLock lock(mutex_);
  started_.Wait(mutex_, [this] {
    mutex_.AssertHeld();
    return !starts_;
  });
  if (connection_ != nullptr && !connection_->has_ended()) return connection_;
  starts_ = true;
  const Connection lost = std::exchange(connection_, nullptr);
  lock.Unlock();
  // Two would need the memory twice.
  if (lost != nullptr) lost->End(absl::OkStatus());
  absl::StatusOr<Connection> started = Start();
  lock.Lock();
  starts_ = false;
  if (started.ok()) connection_ = *started;
  started_.NotifyAll();
  return started;
}

absl::StatusOr<EngineProcess::Connection> EngineProcess::Start() const {
  ASSIGN_OR_RETURN(Connection connection, EngineConnection::Open(options_, log_));
  if (!offers_.empty() && !AreSame(offers_, OffersIn(connection->hello()))) {
    return absl::FailedPreconditionError(
        "the base models have changed on disk; start the worker again");
  }
  return connection;
}

}  // namespace vico::worker
