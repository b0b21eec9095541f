#include "worker/process/call_router.h"

#include <utility>

namespace vico::worker {

OpenCall CallRouter::Open() {
  const MutexLock lock(mutex_);
  OpenCall call{.number = ++last_, .inbox = std::make_shared<CallInbox>()};
  calls_.emplace(call.number, call.inbox);
  if (closed_) call.inbox->Close();
  return call;
}

absl::Status CallRouter::Route(engine::v1::FromEngine message) {
  const std::shared_ptr<CallInbox> inbox = InboxFor(message);
  return inbox == nullptr ? Unexpected(message) : inbox->Put(std::move(message));
}

std::shared_ptr<CallInbox> CallRouter::InboxFor(const engine::v1::FromEngine& message) {
  const MutexLock lock(mutex_);
  const auto found = calls_.find(message.call());
  if (found == calls_.end()) return nullptr;
  std::shared_ptr<CallInbox> inbox = found->second;
  if (KindOf(message) == MessageKind::kEnd) calls_.erase(found);
  return inbox;
}

void CallRouter::Forget(uint64_t number) {
  const MutexLock lock(mutex_);
  calls_.erase(number);
}

void CallRouter::Close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  for (const auto& [number, inbox] : calls_) inbox->Close();
}

}  // namespace vico::worker
