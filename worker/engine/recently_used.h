// A small cache that evicts the least recently used value.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <utility>

namespace vico::worker {

template <typename Value>
class RecentlyUsed {
 public:
  /// Holds at most `capacity` values; 0 counts as 1.
  explicit RecentlyUsed(size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}

  /// Null if absent. Valid until the next Put.
  Value* Find(const std::string& key) {
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->first != key) continue;
      entries_.splice(entries_.begin(), entries_, it);
      return &entries_.front().second;
    }
    return nullptr;
  }

  /// `key` must be absent.
  Value& Put(std::string key, Value value) {
    if (entries_.size() >= capacity_) entries_.pop_back();
    entries_.emplace_front(std::move(key), std::move(value));
    return entries_.front().second;
  }

  size_t size() const { return entries_.size(); }

 private:
  const size_t capacity_;
  std::list<std::pair<std::string, Value>> entries_;  // most recently used first
};

}  // namespace vico::worker
