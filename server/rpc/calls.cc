#include "server/rpc/calls.h"

#include <exception>
#include <new>

#include <absl/strings/cord.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include "common/status.h"
#include "common/status_grpc.h"

namespace vico::server {
absl::StatusOr<Caller> Calls::Admit(const grpc::ServerContextBase& context,
                                    std::string_view method) {
  ASSIGN_OR_RETURN(Caller caller, authenticator_.Authenticate(context, method));
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(HasRoom());
  ++let_in_;
  return caller;
}

absl::StatusOr<Caller> Calls::Enter(const grpc::ServerContextBase& context, std::string_view method,
                                    const std::shared_ptr<Pump>& stream) {
  ASSIGN_OR_RETURN(Caller caller, authenticator_.Authenticate(context, method));
  RETURN_IF_ERROR(TakePlace(stream));
  const std::lock_guard lock(mutex_);
  ++let_in_;
  return caller;
}

void Calls::Gone() {
  const std::lock_guard lock(mutex_);
  if (--let_in_ == 0) none_left_.notify_all();
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
  std::lock_guard lock(mutex_);
  if (streams_.size() >= limits_.streams) {
    return WithRetryAfter(Error(absl::StatusCode::kResourceExhausted,
                                "too many open streams on this server", "TOO_MANY_STREAMS"),
                          absl::Seconds(5));
  }
  streams_.insert(stream);
  return absl::OkStatus();
}

void Calls::Leave(const std::shared_ptr<Pump>& stream) {
  std::lock_guard lock(mutex_);
  streams_.erase(stream);
}

absl::Status Calls::CheckOnTime(Time started) const {
  if (std::chrono::steady_clock::now() - started <= limits_.unary) return absl::OkStatus();
  return Error(absl::StatusCode::kDeadlineExceeded, "the call waited too long for its turn",
               "CALL_TIMEOUT");
}

grpc::Status Calls::Answered(const CallNotes& notes, const absl::Status& status) {
  {
    std::lock_guard lock(mutex_);
    ++counts_[{notes.method, status.code()}];
  }
  if (log_) {
    log_({notes, status,
          std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                                notes.started)});
  }
  if (PrivateText(status).empty()) return ToGrpc(status);
  absl::Status told(status.code(), fmt::format("{}; in the server's log as {}",
                                               std::string(status.message()), notes.request_id));
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    told.SetPayload(type_url, payload);
  });
  return ToGrpc(told);
}

void Calls::Drain() {
  draining_ = true;
  Recheck();
}

bool Calls::WaitForAnswers(Time deadline) {
  std::unique_lock lock(mutex_);
  return none_left_.wait_until(lock, deadline, [this] { return let_in_ == 0 && streams_.empty(); });
}

void Calls::Recheck() {
  std::set<std::shared_ptr<Pump>> streams;
  {
    std::lock_guard lock(mutex_);
    streams = streams_;
  }
  for (const auto& stream : streams) stream->Kick();
}

size_t Calls::open_streams() const {
  std::lock_guard lock(mutex_);
  return streams_.size();
}

std::map<std::pair<std::string, absl::StatusCode>, uint64_t> Calls::Counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

absl::Status DrainingError() {
  return WithRetryAfter(
      Error(absl::StatusCode::kUnavailable, "the server is going away; call again", "DRAINING"),
      absl::Seconds(1));
}

absl::Status RunGuarded(const std::function<absl::Status()>& act) {
  try {
    return act();
  } catch (const std::bad_alloc&) {
    return Error(absl::StatusCode::kResourceExhausted, "out of memory", "OUT_OF_MEMORY");
  } catch (const std::exception& error) {  // its text is a library's, and not for callers
    return WithPrivateText(
        Error(absl::StatusCode::kInternal, "unexpected error in the server", "INTERNAL"),
        error.what());
  }
}

}  // namespace vico::server
