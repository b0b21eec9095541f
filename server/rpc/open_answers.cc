#include "server/rpc/open_answers.h"

#include <utility>
#include <vector>

namespace vico::server {

std::shared_ptr<OpenAnswers::Entry> OpenAnswers::Add(std::function<void()> cancel, Time now) {
  auto entry = std::make_shared<Entry>();
  entry->cancel_ = std::move(cancel);
  entry->since_ = now;
  MutexLock lock(mutex_);
  entry->place_ = entries_.insert(entries_.end(), entry);
  return entry;
}

void OpenAnswers::Remove(const std::shared_ptr<Entry>& entry) {
  {
    MutexLock lock(mutex_);
    if (std::exchange(entry->listed_, false)) entries_.erase(entry->place_);
  }
  const std::lock_guard lock(entry->cancelling_);
  entry->cancel_ = nullptr;
}

void OpenAnswers::CancelOverdue(Time now) {
  std::vector<std::shared_ptr<Entry>> overdue;
  {
    MutexLock lock(mutex_);
    while (!entries_.empty() && now - entries_.front()->since_ >= time_) {
      entries_.front()->listed_ = false;
      overdue.push_back(std::move(entries_.front()));
      entries_.pop_front();
    }
  }
  for (const std::shared_ptr<Entry>& entry : overdue) {
    const std::lock_guard lock(entry->cancelling_);
    // A copy, since Remove() may run inside.
    if (const std::function<void()> cancel = entry->cancel_) cancel();
  }
}

size_t OpenAnswers::size() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace vico::server
