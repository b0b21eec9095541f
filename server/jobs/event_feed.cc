#include "server/jobs/event_feed.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace vico::server {
namespace {

// Keys that are not the name of a job.
constexpr std::string_view kQueue = "queue ";    // and the name of a base model
constexpr std::string_view kTenant = "tenant ";  // and the name of a tenant
constexpr std::string_view kKeys = "keys";
constexpr std::string_view kWorkers = "workers";

std::string QueueKey(std::string_view base_model) { return std::string(kQueue).append(base_model); }

}  // namespace

class EventFeed::Entry {
 public:
  explicit Entry(Wake wake) : wake_(std::make_shared<const Wake>(std::move(wake))) {}

  void Run() {
    const std::lock_guard lock(mutex_);
    if (const std::shared_ptr<const Wake> wake = wake_; wake != nullptr) (*wake)();
  }

  void End() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
  }

 private:
  // Recursive, so that a wake may end its own subscription. Guards wake_.
  std::recursive_mutex mutex_;
  std::shared_ptr<const Wake> wake_;
};

EventFeed::Subscription::Subscription(EventFeed& feed, std::string key,
                                      std::shared_ptr<Entry> entry)
    : feed_(&feed), key_(std::move(key)), entry_(std::move(entry)) {}

EventFeed::Subscription::Subscription(Subscription&& other) noexcept
    : feed_(other.feed_), key_(std::move(other.key_)), entry_(std::move(other.entry_)) {}

EventFeed::Subscription& EventFeed::Subscription::operator=(Subscription&& other) noexcept {
  if (this == &other) return *this;
  End();
  feed_ = other.feed_;
  key_ = std::move(other.key_);
  entry_ = std::move(other.entry_);
  return *this;
}

EventFeed::Subscription::~Subscription() { End(); }

void EventFeed::Subscription::End() {
  if (entry_ == nullptr) return;
  entry_->End();
  feed_->Remove(key_, entry_);
  entry_ = nullptr;
}

EventFeed::Subscription EventFeed::WatchJob(std::string_view job, Wake wake) {
  return Watch(std::string(job), std::move(wake));
}

EventFeed::Subscription EventFeed::WatchTenant(std::string_view tenant, Wake wake) {
  return Watch(std::string(kTenant).append(tenant), std::move(wake));
}

EventFeed::Subscription EventFeed::WatchQueue(std::string_view base_model, Wake wake) {
  return Watch(QueueKey(base_model), std::move(wake));
}

EventFeed::Subscription EventFeed::WatchKeys(Wake wake) {
  return Watch(std::string(kKeys), std::move(wake));
}

EventFeed::Subscription EventFeed::WatchWorkers(Wake wake) {
  return Watch(std::string(kWorkers), std::move(wake));
}

void EventFeed::JobChanged(std::string_view job) { Changed(std::string(job)); }

void EventFeed::JobChanged(std::string_view tenant, std::string_view job) {
  JobChanged(job);
  Changed(std::string(kTenant).append(tenant));
}

void EventFeed::QueueChanged(std::string_view base_model) { Changed(QueueKey(base_model)); }

void EventFeed::KeysChanged() { Changed(std::string(kKeys)); }

void EventFeed::WorkersChanged() { Changed(std::string(kWorkers)); }

void EventFeed::SetRelay(EventRelay* relay) {
  const MutexLock lock(relay_mutex_);
  relay_ = relay;
}

EventFeed::Subscription EventFeed::Watch(std::string key, Wake wake) {
  auto entry = std::make_shared<Entry>(std::move(wake));
  {
    MutexLock lock(mutex_);
    entries_[key].push_back(entry);
  }
  return Subscription(*this, std::move(key), std::move(entry));
}

void EventFeed::Changed(const std::string& key) {
  Received(key);
  const MutexLock lock(relay_mutex_);
  if (relay_ != nullptr) relay_->Publish(key);
}

void EventFeed::Received(const std::string& key) {
  Entries woken;
  {
    MutexLock lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    Entries& all = found->second;
    if (key.starts_with(kQueue) && all.size() > kWokenAtOnce) {
      woken.assign(all.begin(), all.begin() + kWokenAtOnce);
      std::rotate(all.begin(), all.begin() + kWokenAtOnce, all.end());
    } else {
      woken = all;
    }
  }
  for (const std::shared_ptr<Entry>& entry : woken) entry->Run();
}

void EventFeed::ReceivedUnknown() {
  Entries woken;
  {
    MutexLock lock(mutex_);
    for (const auto& [key, entries] : entries_) {
      woken.insert(woken.end(), entries.begin(), entries.end());
    }
  }
  for (const std::shared_ptr<Entry>& entry : woken) entry->Run();
}

void EventFeed::Remove(const std::string& key, const std::shared_ptr<Entry>& entry) {
  MutexLock lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  Entries& entries = found->second;
  entries.erase(std::remove(entries.begin(), entries.end(), entry), entries.end());
  if (entries.empty()) entries_.erase(found);
}

}  // namespace vico::server
