// Which jobs use the engine at a moment: several together, or one alone. A job is alone when it is
// tried again after the engine was lost or was out of memory, so that no job is charged for
// another's fault.
#pragma once

#include <functional>
#include <vector>

#include <absl/status/status.h>

#include "common/mutex.h"
#include "worker/engine/engine.h"

namespace vico::worker {

/// Any thread; a User is used by one thread at a time. Keeps a reference to the engine.
class EngineUse {
 public:
  enum class Length {
    kShort,  ///< a generation
    kLong,   ///< a training or an evaluation
  };
  struct User {
    Length length = Length::kShort;
    bool lost_with_others = false;  ///< the engine was lost in a call beside calls of others
  };

  /// Called every 20 ms; false ends the wait.
  using KeepWaiting = std::function<bool()>;

  explicit EngineUse(Engine& engine) : engine_(engine) {}

  /// Readies the engine if nobody uses it. An error is permanent.
  absl::Status ReadyIfUnused();

  /// Begins a call beside those of others. Waits while a job is alone or waits to be. The first
  /// user readies the engine. kCancelled if the wait ends or the engine does not start: the job may
  /// run elsewhere.
  absl::Status Enter(User& user, const KeepWaiting& keep_waiting);

  /// Ends a call, also one that was alone. `lost`: the engine was lost in it, and the user is to be
  /// alone next: until BeAlone() or Withdraw(), nobody enters.
  void Leave(User& user, bool lost);

  /// Waits until no other user is left; those that are short come before those that are long. The
  /// user is alone until Leave(), Share() or Withdraw(). kCancelled if the wait ends.
  absl::Status BeAlone(User& user, const KeepWaiting& keep_waiting);
  bool IsAlone(const User& user) const;

  /// Lets others in again while the user's call goes on.
  void Share(User& user);

  /// The user is not alone, and does not wait to be.
  void Withdraw(User& user);

  /// A short user did not fit into memory beside a long one. False if there is no long one, and the
  /// others will leave soon.
  bool NoteCrowded();

  /// Whether a further call could begin at once; a short one not while there is no memory for it
  /// beside a long one.
  bool HasRoomFor(Length length) const;

 private:
  bool IsOpen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasLong() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsNext(const User& user) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WaitUntil(const std::function<bool()>& condition, const KeepWaiting& keep_waiting)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReadyAlone(User& user) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Engine& engine_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<User*> together_ ABSL_GUARDED_BY(mutex_);  // in calls beside one another
  std::vector<User*> waiting_ ABSL_GUARDED_BY(mutex_);   // to be alone
  User* alone_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool crowded_ ABSL_GUARDED_BY(mutex_) = false;  // until the long user leaves
};

}  // namespace vico::worker
