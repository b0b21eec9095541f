// Notifies those who wait for changes: watchers of a job, Lease calls, the caches of API keys and
// of workers. A notification is a hint; its receiver reads the store, and reads it every few
// seconds without one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/mutex.h"
#include "server/jobs/event_relay.h"

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
  /// flag, notify, post a task. Who subscribes first and then reads the store misses no change of
  /// this server.
  [[nodiscard]] Subscription WatchJob(std::string_view job, Wake wake);
  [[nodiscard]] Subscription WatchTenant(std::string_view tenant, Wake wake);  ///< all its jobs
  /// Jobs of this base model that may be leased. A change wakes kWokenAtOnce of those who wait, in
  /// turn: one of them gets the job.
  [[nodiscard]] Subscription WatchQueue(std::string_view base_model, Wake wake);
  [[nodiscard]] Subscription WatchKeys(Wake wake);     ///< API keys and tenants
  [[nodiscard]] Subscription WatchWorkers(Wake wake);  ///< registrations and drains

  static constexpr size_t kWokenAtOnce = 3;

  /// After a commit.
  void JobChanged(std::string_view job);
  void JobChanged(std::string_view tenant, std::string_view job);  ///< also wakes WatchTenant()
  void QueueChanged(std::string_view base_model);
  void KeysChanged();
  void WorkersChanged();

  /// From now on the changes above also go to `relay`, which must outlive the feed or be taken away
  /// with null.
  void SetRelay(EventRelay* relay);

  /// A change of another server, as its feed gave it to its relay.
  void Received(const std::string& key);
  /// Changes of other servers may have been missed: wakes everyone.
  void ReceivedUnknown();

 private:
  using Entries = std::vector<std::shared_ptr<Entry>>;
  Subscription Watch(std::string key, Wake wake);
  void Changed(const std::string& key);
  void Remove(const std::string& key, const std::shared_ptr<Entry>& entry);

  Mutex mutex_;
  std::unordered_map<std::string, Entries> entries_ ABSL_GUARDED_BY(mutex_);  // by key
  // Held while it is used, so that SetRelay(nullptr) waits.
  Mutex relay_mutex_;
  EventRelay* relay_ ABSL_GUARDED_BY(relay_mutex_) = nullptr;
};

}  // namespace vico::server
