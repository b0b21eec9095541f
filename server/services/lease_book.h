// What the server remembers of live leases beside the queue's rows: who holds them, and which blobs
// were put under them. In memory only; after a restart it fills anew with each report.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace vico::server {

/// Any thread.
class LeaseBook {
 public:
  void Granted(std::string_view lease_id, std::string_view worker);
  void BlobPut(std::string_view lease_id, std::string_view sha256);
  void Ended(std::string_view lease_id);
  /// The worker started anew: what it held is lost.
  void WorkerBegan(std::string_view worker);

  std::string WorkerOf(std::string_view lease_id) const;  ///< empty when not known
  bool WasPut(std::string_view lease_id, std::string_view sha256) const;

 private:
  struct Entry {
    std::string worker;
    std::set<std::string, std::less<>> blobs;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;  // by lease id; guarded by mutex_
};

}  // namespace vico::server
