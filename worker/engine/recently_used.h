// A small cache: the value that was not used for the longest time goes first.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <utility>

namespace vico::worker {

template <typename Value>
class RecentlyUsed {
 public:
  /// Keeps at most `capacity` values, at least one.
  explicit RecentlyUsed(size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}

  /// Null when it is not there. Good until the next Put.
  Value* Find(const std::string& key) {
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->first != key) continue;
      entries_.splice(entries_.begin(), entries_, it);
      return &entries_.front().second;
    }
    return nullptr;
  }

  /// `key` must not be there yet.
  Value& Put(std::string key, Value value) {
    if (entries_.size() >= capacity_) entries_.pop_back();
    entries_.emplace_front(std::move(key), std::move(value));
    return entries_.front().second;
  }

  size_t size() const { return entries_.size(); }

 private:
  const size_t capacity_;
  std::list<std::pair<std::string, Value>> entries_;  // the last used first
};

}  // namespace vico::worker
