#include "server/rpc/calls.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <absl/strings/cord.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include "common/exception_status.h"
#include "common/rpc/status_grpc.h"
#include "common/status.h"

namespace vico::server {

namespace {

constexpr absl::Duration kRetry = absl::Seconds(5);
constexpr std::chrono::milliseconds kAnswerCheck{1'000};
// Smaller answers are not worth a refusal.
constexpr uint64_t kCountedAnswer = 16 << 10;

/// The refusal of a share. `what` is what the caller has too many of.
absl::Status Refused(Shares::Taken taken, const std::string& owner, std::string_view what,
                     std::string_view reason) {
  const bool own = taken == Shares::Taken::kOwnerHasItsShare;
  const std::string text =
      fmt::format("too many {} {}", what, own ? "of one caller" : "on this server");
  return WithQuota(
      WithRetryAfter(Error(absl::StatusCode::kResourceExhausted, text, reason), kRetry),
      own ? owner : "server", text);
}

}  // namespace

std::string OwnerOf(const Caller& caller) {
  return caller.tenant.empty() ? fmt::format("workers/{}", caller.name)
                               : fmt::format("tenants/{}", caller.tenant);
}

Calls::Calls(Pool& pool, const Authenticator& authenticator, const CallLimits& limits, Log log,
             Pool* transfers)
    : pool_(pool),
      transfers_(transfers == nullptr ? pool : *transfers),
      authenticator_(authenticator),
      limits_(limits),
      log_(std::move(log)),
      answers_(std::make_shared<OpenAnswers>(limits.answer)),
      calls_(limits.calls),
      request_bytes_(limits.request_bytes),
      answer_bytes_(limits.answer_bytes),
      stream_places_(limits.streams),
      transfer_places_(limits.transfers) {
  pool_.Every(std::min(kAnswerCheck, limits.answer), answers_, [weak = std::weak_ptr(answers_)] {
    if (const auto answers = weak.lock()) answers->CancelOverdue(Time::clock::now());
  });
}

absl::Status Calls::Admit(const CallCost& cost) {
  using Taken = Shares::Taken;
  if (const Taken taken = calls_.Take(cost.owner); taken != Taken::kYes) {
    return Refused(taken, cost.owner, "calls at the same time", "TOO_MANY_CALLS");
  }
  if (const Taken taken = request_bytes_.Take(cost.owner, cost.request_bytes);
      taken != Taken::kYes) {
    calls_.Return(cost.owner);
    return Refused(taken, cost.owner, "bytes in requests at the same time", "TOO_MANY_CALLS");
  }
  // With the lock, so that a drain that begins now sees the call.
  MutexLock lock(mutex_);
  absl::Status room = HasRoom();
  if (room.ok()) {
    ++admitted_;
  } else {
    calls_.Return(cost.owner);
    request_bytes_.Return(cost.owner, cost.request_bytes);
  }
  return room;
}

absl::Status Calls::HoldAnswer(CallCost& cost, uint64_t bytes) {
  if (bytes < kCountedAnswer) return absl::OkStatus();
  const Shares::Taken taken = answer_bytes_.Take(cost.owner, bytes);
  if (taken != Shares::Taken::kYes) {
    return Refused(taken, cost.owner, "bytes in answers that are not read", "ANSWERS_NOT_READ");
  }
  cost.answer_bytes = bytes;
  return absl::OkStatus();
}

void Calls::Release(const CallCost& cost) {
  calls_.Return(cost.owner);
  request_bytes_.Return(cost.owner, cost.request_bytes);
  answer_bytes_.Return(cost.owner, cost.answer_bytes);
  Release();
}

absl::StatusOr<Caller> Calls::Enter(const grpc::ServerContextBase& context, std::string_view method,
                                    const std::shared_ptr<Pump>& stream, Place place) {
  ASSIGN_OR_RETURN(Caller caller, Authenticate(context, method));
  RETURN_IF_ERROR(TakePlace(stream, OwnerOf(caller), place));
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

absl::Status Calls::TakePlace(const std::shared_ptr<Pump>& stream, const std::string& owner,
                              Place place) {
  using Taken = Shares::Taken;
  RETURN_IF_ERROR(HasRoom());
  if (const Taken taken = stream_places_.Take(owner); taken != Taken::kYes) {
    return Refused(taken, owner, "open streams", "TOO_MANY_STREAMS");
  }
  if (place == Place::kTransfer) {
    if (const Taken taken = transfer_places_.Take(owner); taken != Taken::kYes) {
      stream_places_.Return(owner);
      return Refused(taken, owner, "transfers at the same time", "TOO_MANY_STREAMS");
    }
  }
  MutexLock lock(mutex_);
  streams_.emplace(stream, Stream{owner, place});
  return absl::OkStatus();
}

void Calls::Leave(const std::shared_ptr<Pump>& stream) {
  Stream left{};
  {
    MutexLock lock(mutex_);
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return;
    left = std::move(found->second);
    streams_.erase(found);
  }
  stream_places_.Return(left.owner);
  if (left.place == Place::kTransfer) transfer_places_.Return(left.owner);
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
  std::vector<std::shared_ptr<Pump>> streams;
  {
    MutexLock lock(mutex_);
    for (const auto& [pump, stream] : streams_) streams.push_back(pump);
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
  } catch (...) {
    return StatusOfException();
  }
}

}  // namespace vico::server
