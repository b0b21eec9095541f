#include "worker/process/engine_connection.h"

#include <utility>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::worker {

namespace wire = engine::v1;

absl::StatusOr<std::shared_ptr<EngineConnection>> EngineConnection::Open(
    const EngineProcessOptions& options, const Log& log) {
  std::shared_ptr<EngineConnection> connection(new EngineConnection(options, log));
  std::promise<absl::StatusOr<wire::Hello>> promise;
  auto hello = promise.get_future();
  connection->reader_ =
      std::thread([self = connection.get(), promise = std::move(promise)]() mutable {
        self->Run(std::move(promise));
      });
  ASSIGN_OR_RETURN(connection->hello_, hello.get());
  return connection;
}

EngineConnection::~EngineConnection() {
  {
    const MutexLock lock(mutex_);
    ends_ = true;
  }
  if (child_ != nullptr) child_->channel().Shutdown();
  reader_.join();
}

void EngineConnection::Run(std::promise<absl::StatusOr<wire::Hello>> hello) {
  auto child = Child::Start(options_.command);
  if (!child.ok()) return hello.set_value(child.status());
  child_ = *std::move(child);
  absl::StatusOr<wire::Hello> received = ReceiveHello();
  const bool serves = received.ok();
  hello.set_value(std::move(received));
  if (serves) HandleEnd(RouteAll());
}

absl::StatusOr<wire::Hello> EngineConnection::ReceiveHello() {
  wire::FromEngine message;
  if (const absl::Status status = child_->channel().Receive(message, options_.start);
      !status.ok()) {
    return absl::UnavailableError(fmt::format("{}: did not start: {}, {}", options_.command.front(),
                                              std::string(status.message()), child_->End()));
  }
  if (message.has_hello()) return std::move(*message.mutable_hello());
  return message.has_failed() ? FailureIn(message) : Unexpected(message);
}

absl::Status EngineConnection::RouteAll() {
  for (;;) {
    wire::FromEngine message;
    RETURN_IF_ERROR(child_->channel().Receive(message));
    if (KindOf(message) == MessageKind::kEnd) loaded_adapters_ = message.loaded_adapters();
    RETURN_IF_ERROR(calls_.Route(std::move(message)));
  }
}

std::string EngineConnection::End(const absl::Status& why) {
  MutexLock lock(mutex_);
  if (!ends_) {
    ends_ = true;
    why_ = why;
    child_->channel().Shutdown();
  }
  ended_.Wait(mutex_, [this] {
    mutex_.AssertHeld();
    return !how_it_ended_.empty();
  });
  return how_it_ended_;
}

bool EngineConnection::has_ended() const {
  const MutexLock lock(mutex_);
  return ends_;
}

void EngineConnection::HandleEnd(const absl::Status& why) {
  MutexLock lock(mutex_);
  if (!ends_) why_ = why;
  ends_ = true;
  const absl::Status first = why_;
  lock.Unlock();
  const std::string how = child_->End();
  lock.Lock();
  how_it_ended_ = how;
  ended_.NotifyAll();
  lock.Unlock();
  calls_.Close();
  if (first.ok()) return;
  log_.Error(absl::IsDeadlineExceeded(first) ? "the engine hung and was killed" : "the engine died",
             {{"end", how}, {"error", std::string(first.message())}});
}

}  // namespace vico::worker
