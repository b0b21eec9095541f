#include "server/rpc/calls.h"

#include <exception>
#include <new>

#include <absl/strings/cord.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include "common/rpc/status_grpc.h"
#include "common/status.h"

namespace vico::server {

absl::StatusOr<Caller> Calls::Admit(const grpc::ServerContextBase& context,
                                    std::string_view method) {
  ASSIGN_OR_RETURN(Caller caller, authenticator_.Authenticate(context, method));
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(HasRoom());
  ++admitted_;
  return caller;
}

absl::StatusOr<Caller> Calls::Enter(const grpc::ServerContextBase& context, std::string_view method,
                                    const std::shared_ptr<Pump>& stream) {
  ASSIGN_OR_RETURN(Caller caller, authenticator_.Authenticate(context, method));
  RETURN_IF_ERROR(TakePlace(stream));
  MutexLock lock(mutex_);
  ++admitted_;
  return caller;
}

void Calls::Release() {
  MutexLock lock(mutex_);
  if (--admitted_ == 0) released_.NotifyAll();
}

absl::Status Calls::HasRoom() const {
  if (draining_) return DrainingError();
  if (pool_.Backlog() >= limits_.backlog) {
    return WithRetryAfter(
        Error(absl::StatusCode::kResourceExhausted, "the server is busy", "SERVER_BUSY"),
        absl::Seconds(1));
  }
  return absl::OkStatus();
}

absl::Status Calls::TakePlace(const std::shared_ptr<Pump>& stream) {
  RETURN_IF_ERROR(HasRoom());
  MutexLock lock(mutex_);
  if (streams_.size() >= limits_.streams) {
    return WithRetryAfter(Error(absl::StatusCode::kResourceExhausted,
                                "too many open streams on this server", "TOO_MANY_STREAMS"),
                          absl::Seconds(5));
  }
  streams_.insert(stream);
  return absl::OkStatus();
}

void Calls::Leave(const std::shared_ptr<Pump>& stream) {
  MutexLock lock(mutex_);
  streams_.erase(stream);
}

absl::Status Calls::CheckOnTime(Time started) const {
  if (std::chrono::steady_clock::now() - started <= limits_.unary) return absl::OkStatus();
  return Error(absl::StatusCode::kDeadlineExceeded, "the call waited too long for a thread",
               "CALL_TIMEOUT");
}

grpc::Status Calls::Answered(const CallNotes& notes, const absl::Status& status) {
  if (log_) {
    log_({notes, status,
          std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                                notes.started)});
  }
  if (PrivateText(status).empty()) return ToGrpc(status);
  absl::Status answer(status.code(), fmt::format("{}; see request id {} in the server's log",
                                                 std::string(status.message()), notes.request_id));
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    answer.SetPayload(type_url, payload);
  });
  return ToGrpc(answer);
}

void Calls::Drain() {
  draining_ = true;
  Recheck();
}

bool Calls::WaitForAnswers(Time deadline) {
  MutexLock lock(mutex_);
  return released_.WaitUntil(mutex_, deadline, [this] {
    mutex_.AssertHeld();
    return admitted_ == 0 && streams_.empty();
  });
}

void Calls::Recheck() {
  std::set<std::shared_ptr<Pump>> streams;
  {
    MutexLock lock(mutex_);
    streams = streams_;
  }
  for (const auto& stream : streams) stream->Kick();
}

size_t Calls::open_streams() const {
  MutexLock lock(mutex_);
  return streams_.size();
}

absl::Status DrainingError() {
  return WithRetryAfter(
      Error(absl::StatusCode::kUnavailable, "the server is shutting down; call again", "DRAINING"),
      absl::Seconds(1));
}

absl::Status RunGuarded(const std::function<absl::Status()>& act) {
  try {
    return act();
  } catch (const std::bad_alloc&) {
    return Error(absl::StatusCode::kResourceExhausted, "out of memory", "OUT_OF_MEMORY");
  } catch (const std::exception& error) {  // a library's text is not for callers
    return WithPrivateText(
        Error(absl::StatusCode::kInternal, "unexpected error in the server", "INTERNAL"),
        error.what());
  }
}

}  // namespace vico::server
