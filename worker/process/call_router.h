// The calls that run in an engine, and which of them a message belongs to.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include <absl/status/status.h>

#include "common/mutex.h"
#include "vico/engine/v1/engine.pb.h"
#include "worker/process/call_inbox.h"

namespace vico::worker {

struct OpenCall {
  uint64_t number = 0;
  std::shared_ptr<CallInbox> inbox;
};

/// Any thread.
class CallRouter {
 public:
  /// A call with a new number, from 1.
  OpenCall Open();

  /// Puts the message into its call's inbox and never waits. An end is the last message of its
  /// call. kDataLoss if the call does not run, or its inbox refuses the message.
  absl::Status Route(engine::v1::FromEngine message);

  /// The call takes no more messages.
  void Forget(uint64_t number);

  /// Closes all inboxes, and those of later calls.
  void Close();

 private:
  std::shared_ptr<CallInbox> InboxFor(const engine::v1::FromEngine& message);

  Mutex mutex_;
  std::map<uint64_t, std::shared_ptr<CallInbox>> calls_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace vico::worker
