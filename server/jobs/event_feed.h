// Notifies watchers of a job's new events, and Lease calls of jobs that may be leased. A
// notification is a hint; its receiver reads the store.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/mutex.h"

namespace vico::server {

/// Any thread. Has no thread of its own. Must outlive its subscriptions.
class EventFeed {
 public:
  using Wake = std::function<void()>;

  class Entry;

  /// Ends with its destructor. After that `wake` is not running and does not run again, unless
  /// `wake` itself destroys the subscription. So hold no lock that `wake` takes while you destroy
  /// one.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

   private:
    friend class EventFeed;
    Subscription(EventFeed& feed, std::string key, std::shared_ptr<Entry> entry);
    void End();

    EventFeed* feed_ = nullptr;
    std::string key_;
    std::shared_ptr<Entry> entry_;
  };

  /// `wake` runs on the thread of the change, right after the commit, so it must be quick: set a
  /// flag, notify, post a task. Who subscribes first and then reads the store misses no change.
  [[nodiscard]] Subscription WatchJob(std::string_view job, Wake wake);
  [[nodiscard]] Subscription WatchQueue(Wake wake);

  /// For the store, after a commit.
  void JobChanged(std::string_view job);
  void QueueChanged();

 private:
  using Entries = std::vector<std::shared_ptr<Entry>>;
  Subscription Watch(std::string key, Wake wake);
  void Changed(const std::string& key);
  void Remove(const std::string& key, const std::shared_ptr<Entry>& entry);

  Mutex mutex_;
  std::unordered_map<std::string, Entries> entries_ ABSL_GUARDED_BY(mutex_);  // by job
};

}  // namespace vico::server
