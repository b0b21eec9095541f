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

namespace vico {

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
    Subscription(Subscription&& other) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

   private:
    friend class EventFeed;
    explicit Subscription(std::shared_ptr<Entry> entry);
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
  using Entries = std::vector<std::weak_ptr<Entry>>;
  static void Add(Entries& entries, const std::shared_ptr<Entry>& entry);
  void Run(const Entries& entries);

  std::mutex mutex_;
  std::unordered_map<std::string, Entries> jobs_;  // guarded by mutex_
  Entries queue_;                                  // guarded by mutex_
};

}  // namespace vico
