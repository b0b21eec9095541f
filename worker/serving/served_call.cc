#include "worker/serving/served_call.h"

#include <utility>

#include "common/plain_text.h"
#include "common/status.h"
#include "worker/process/messages.h"

namespace vico::worker {

namespace wire = engine::v1;

void ServedCall::Note(wire::FromEngine note) {
  MutexLock lock(mutex_);
  changed_.Wait(mutex_, [this] {
    mutex_.AssertHeld();
    return !broken_.ok() || open_notes_ < kMostOpenNotes;
  });
  if (!broken_.ok()) return;
  ++open_notes_;
  lock.Unlock();
  if (Send(note).ok()) return;
  lock.Lock();
  --open_notes_;
  changed_.NotifyAll();
}

void ServedCall::Warn(const std::string& reason, const std::string& message) {
  wire::FromEngine warning;
  warning.mutable_warning()->set_reason(reason);
  warning.mutable_warning()->set_message(PlainText(message));
  Note(std::move(warning));
}

wire::Answer ServedCall::Ask(wire::FromEngine question) {
  MutexLock lock(mutex_);
  if (broken_.ok()) {
    asks_ = true;
    lock.Unlock();
    const absl::Status sent = Send(question);
    lock.Lock();
    if (broken_.ok()) broken_ = sent;
  }
  changed_.Wait(mutex_, [this] {
    mutex_.AssertHeld();
    return !broken_.ok() || answer_.has_value();
  });
  asks_ = false;
  if (answer_.has_value()) return *std::exchange(answer_, std::nullopt);
  wire::Answer no;
  *no.mutable_status() = ToProto(broken_);
  return no;
}

absl::StatusOr<wire::Answer> ServedCall::Fetch(wire::FromEngine question) {
  wire::Answer answer = Ask(std::move(question));
  RETURN_IF_ERROR(FromProto(answer.status()));
  return answer;
}

absl::StatusOr<AdapterBytes> ServedCall::FetchAdapter() {
  wire::FromEngine question;
  question.mutable_fetch_adapter();
  ASSIGN_OR_RETURN(wire::Answer answer, Fetch(std::move(question)));
  return AdapterBytes{.safetensors = std::move(*answer.mutable_bytes()),
                      .reference = std::move(*answer.mutable_reference())};
}

bool ServedCall::AskAfterDrawing(int64_t step, int64_t total_steps) {
  wire::FromEngine question;
  question.mutable_generate_step()->set_step(step);
  question.mutable_generate_step()->set_total_steps(total_steps);
  return Ask(std::move(question)).yes();
}

void ServedCall::End(wire::FromEngine end) {
  const absl::Status sent = Send(end);
  if (!absl::IsResourceExhausted(sent)) return;
  *end.mutable_failed() = ToProto(sent);
  Send(end).IgnoreError();  // the worker learns of a broken channel without it
}

absl::Status ServedCall::Take(wire::ToEngine reply) {
  const MutexLock lock(mutex_);
  if (reply.has_received() && open_notes_ > 0) {
    --open_notes_;
  } else if (reply.has_answer() && asks_ && !answer_.has_value()) {
    answer_ = std::move(*reply.mutable_answer());
  } else {
    return absl::DataLossError("channel: a reply to nothing");
  }
  changed_.NotifyAll();
  return absl::OkStatus();
}

void ServedCall::Break(const absl::Status& why) {
  const MutexLock lock(mutex_);
  if (broken_.ok()) broken_ = why;
  changed_.NotifyAll();
}

absl::Status ServedCall::Send(wire::FromEngine& message) {
  message.set_call(number_);
  return channel_.Send(message);
}

}  // namespace vico::worker
