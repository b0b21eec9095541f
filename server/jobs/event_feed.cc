#include "server/jobs/event_feed.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace vico::server {
namespace {

// A key that is not the name of a job.
constexpr std::string_view kQueue = "queue";

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

EventFeed::Subscription EventFeed::WatchQueue(Wake wake) {
  return Watch(std::string(kQueue), std::move(wake));
}

void EventFeed::JobChanged(std::string_view job) { Changed(std::string(job)); }

void EventFeed::QueueChanged() { Changed(std::string(kQueue)); }

EventFeed::Subscription EventFeed::Watch(std::string key, Wake wake) {
  auto entry = std::make_shared<Entry>(std::move(wake));
  {
    MutexLock lock(mutex_);
    entries_[key].push_back(entry);
  }
  return Subscription(*this, std::move(key), std::move(entry));
}

void EventFeed::Changed(const std::string& key) {
  Entries entries;
  {
    MutexLock lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    entries = found->second;
  }
  for (const std::shared_ptr<Entry>& entry : entries) entry->Run();
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
