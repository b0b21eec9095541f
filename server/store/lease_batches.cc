#include "server/store/lease_batches.h"

#include <algorithm>

namespace vico::server {
namespace {

/// A repeat must find what the call before it was given.
bool IsRepeat(const LeaseBatches::Call& call, const std::vector<LeaseBatches::Call*>& batch) {
  return std::any_of(batch.begin(), batch.end(), [&](const LeaseBatches::Call* other) {
    return other->query.worker == call.query.worker && other->query.nonce == call.query.nonce;
  });
}

}  // namespace

void LeaseBatches::Run(Call& call, const Grant& grant) {
  std::vector<Call*> batch;
  {
    const MutexLock lock(mutex_);
    waiting_.push_back(&call);
    call.changed.Wait(mutex_, [this, &call] {
      mutex_.AssertHeld();
      return call.done || (served_.empty() && waiting_.front() == &call);
    });
    if (call.done) return;
    while (!waiting_.empty() && batch.size() < kMost && !IsRepeat(*waiting_.front(), batch)) {
      batch.push_back(waiting_.front());
      waiting_.pop_front();
    }
    served_ = batch;
  }
  Serve(batch, grant);
  const MutexLock lock(mutex_);
  served_.clear();
  // A call ends with its thread, which needs the lock before it can go on.
  for (Call* const one : batch) {
    one->done = true;
    one->changed.NotifyAll();
  }
  if (!waiting_.empty()) waiting_.front()->changed.NotifyAll();
}

bool LeaseBatches::IsBusyWith(const LeaseQuery& query) {
  const MutexLock lock(mutex_);
  const auto suits = [&](const Call* call) { return SuitTheSame(call->query, query); };
  return std::any_of(served_.begin(), served_.end(), suits) ||
         std::any_of(waiting_.begin(), waiting_.end(), suits);
}

void LeaseBatches::Serve(std::span<Call* const> batch, const Grant& grant) {
  const absl::Status status = grant(batch);
  if (status.ok()) return;
  for (Call* const& call : batch) {
    call->status =
        batch.size() == 1 || absl::IsUnavailable(status) ? status : grant(std::span(&call, 1));
  }
}

}  // namespace vico::server
