// The peers whose connections have flooded the server in the last seconds. A peer that is cut off
// could otherwise connect again and send its burst anew, thousands of times a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <absl/container/flat_hash_map.h>

namespace vico::server {

/// One thread at a time.
class Flooders {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kMemory{10};
  static constexpr size_t kMost = 4096;  ///< beyond it the list starts anew

  void Add(const std::string& peer, Time now) {
    if (last_.size() >= kMost && !last_.contains(peer)) last_.clear();
    last_[peer] = now;
  }

  bool Has(const std::string& peer, Time now) {
    const auto found = last_.find(peer);
    if (found == last_.end()) return false;
    if (now - found->second <= kMemory) return true;
    last_.erase(found);
    return false;
  }

 private:
  absl::flat_hash_map<std::string, Time> last_;  // by peer
};

}  // namespace vico::server
