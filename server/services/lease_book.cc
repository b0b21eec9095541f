#include "server/services/lease_book.h"

namespace vico::server {

void LeaseBook::Granted(std::string_view lease_id, std::string_view worker) {
  std::lock_guard lock(mutex_);
  entries_[std::string(lease_id)].worker = worker;
}

void LeaseBook::BlobPut(std::string_view lease_id, std::string_view sha256) {
  std::lock_guard lock(mutex_);
  entries_[std::string(lease_id)].blobs.insert(std::string(sha256));
}

void LeaseBook::Ended(std::string_view lease_id) {
  std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(lease_id); found != entries_.end()) entries_.erase(found);
}

void LeaseBook::WorkerBegan(std::string_view worker) {
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.worker == worker; });
}

std::string LeaseBook::WorkerOf(std::string_view lease_id) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(lease_id);
  return found == entries_.end() ? "" : found->second.worker;
}

bool LeaseBook::WasPut(std::string_view lease_id, std::string_view sha256) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(lease_id);
  return found != entries_.end() && found->second.blobs.contains(sha256);
}

}  // namespace vico::server
