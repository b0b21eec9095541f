// Wakes those who wait: watchers when a job gains an event, Lease calls when a job may be had. A
// wake is a hint only; whoever is woken reads the store.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vico::server {

/// Any thread; no thread of its own. Must outlive its subscriptions.
class EventFeed {
 public:
  using Wake = std::function<void()>;

  class Entry;

  /// Ends with its life. When the destructor returns, `wake` is not running and will not run again,
  /// unless it is `wake` itself that drops the subscription. So hold no lock, while dropping one,
  /// that its `wake` takes.
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

  /// `wake` runs on the thread that made the change, right after the commit: it must be quick (set
  /// a flag, notify, hand on). Subscribe first, then read the store, and no change is missed.
  [[nodiscard]] Subscription WatchJob(std::string_view job, Wake wake);
  [[nodiscard]] Subscription WatchQueue(Wake wake);

  /// The store's part.
  void JobChanged(std::string_view job);
  void QueueChanged();

 private:
  using Entries = std::vector<std::shared_ptr<Entry>>;
  Subscription Watch(std::string key, Wake wake);
  void Changed(const std::string& key);
  void Remove(const std::string& key, const std::shared_ptr<Entry>& entry);

  std::mutex mutex_;
  std::unordered_map<std::string, Entries> entries_;  // by job; guarded by mutex_
};

}  // namespace vico::server
