#include "worker/job/engine_use.h"

#include <algorithm>
#include <chrono>

#include "common/status.h"

namespace vico::worker {
namespace {

constexpr std::chrono::milliseconds kAskInterval{20};  // whether to keep waiting

bool Contains(const std::vector<EngineUse::User*>& users, const EngineUse::User& user) {
  return std::find(users.begin(), users.end(), &user) != users.end();
}

bool IsLong(const EngineUse::User* user) { return user->length == EngineUse::Length::kLong; }

}  // namespace

bool EngineUse::IsOpen() const { return alone_ == nullptr && waiting_.empty(); }

bool EngineUse::HasLong() const { return std::any_of(together_.begin(), together_.end(), IsLong); }

/// The first short user that waits, or the first of all.
bool EngineUse::IsNext(const User& user) const {
  const auto found = std::find_if_not(waiting_.begin(), waiting_.end(), IsLong);
  return &user == (found == waiting_.end() ? waiting_.front() : *found);
}

absl::Status EngineUse::WaitUntil(const std::function<bool()>& condition,
                                  const KeepWaiting& keep_waiting) {
  while (!changed_.WaitFor(mutex_, kAskInterval, condition)) {
    mutex_.unlock();
    const bool goes_on = keep_waiting();
    mutex_.lock();
    if (!goes_on) return absl::CancelledError("the job no longer waits for the engine");
  }
  return absl::OkStatus();
}

absl::Status EngineUse::ReadyAlone(User& user) {
  alone_ = &user;
  mutex_.unlock();
  absl::Status ready = engine_.Ready();
  mutex_.lock();
  alone_ = nullptr;
  changed_.NotifyAll();
  return ready;
}

absl::Status EngineUse::ReadyIfUnused() {
  const MutexLock lock(mutex_);
  if (!IsOpen() || !together_.empty()) return absl::OkStatus();
  User nobody;
  return ReadyAlone(nobody);
}

absl::Status EngineUse::Enter(User& user, const KeepWaiting& keep_waiting) {
  const MutexLock lock(mutex_);
  const auto open = [this] {
    mutex_.AssertHeld();
    return IsOpen();
  };
  RETURN_IF_ERROR(WaitUntil(open, keep_waiting));
  if (together_.empty()) {
    const absl::Status ready = ReadyAlone(user);
    if (!ready.ok()) return absl::CancelledError("the engine does not start: " + ready.ToString());
  }
  user.lost_with_others = false;
  together_.push_back(&user);
  return absl::OkStatus();
}

void EngineUse::Leave(User& user, bool lost) {
  const MutexLock lock(mutex_);
  if (alone_ == &user) alone_ = nullptr;
  std::erase(together_, &user);
  if (lost) {
    waiting_.push_back(&user);
    if (!together_.empty()) user.lost_with_others = true;
    for (User* const other : together_) other->lost_with_others = true;
  }
  if (!HasLong()) crowded_ = false;
  changed_.NotifyAll();
}

absl::Status EngineUse::BeAlone(User& user, const KeepWaiting& keep_waiting) {
  const MutexLock lock(mutex_);
  if (alone_ == &user) return absl::OkStatus();
  if (!Contains(waiting_, user)) waiting_.push_back(&user);
  const auto its_turn = [this, &user] {
    mutex_.AssertHeld();
    return alone_ == nullptr && together_.empty() && IsNext(user);
  };
  absl::Status waited = WaitUntil(its_turn, keep_waiting);
  std::erase(waiting_, &user);
  if (waited.ok()) {
    alone_ = &user;
    user.lost_with_others = false;
  }
  changed_.NotifyAll();
  return waited;
}

bool EngineUse::IsAlone(const User& user) const {
  const MutexLock lock(mutex_);
  return alone_ == &user;
}

void EngineUse::Share(User& user) {
  const MutexLock lock(mutex_);
  if (alone_ != &user) return;
  alone_ = nullptr;
  together_.push_back(&user);
  changed_.NotifyAll();
}

void EngineUse::Withdraw(User& user) {
  const MutexLock lock(mutex_);
  if (alone_ == &user) alone_ = nullptr;
  std::erase(waiting_, &user);
  changed_.NotifyAll();
}

bool EngineUse::NoteCrowded() {
  const MutexLock lock(mutex_);
  if (!HasLong()) return false;
  crowded_ = true;
  return true;
}

bool EngineUse::HasRoomFor(Length length) const {
  const MutexLock lock(mutex_);
  return IsOpen() && (length == Length::kLong || !crowded_);
}

}  // namespace vico::worker
