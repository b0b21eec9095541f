#include "worker/personalize/reference_cache.h"

namespace vico::worker {
namespace {

int64_t BytesOf(const std::vector<SiteFeatures>& features) {
  int64_t bytes = 0;
  for (const SiteFeatures& site : features) {
    for (const torch::Tensor& tensor : {site.tokens, site.placeholder, site.end}) {
      if (tensor.defined()) bytes += static_cast<int64_t>(tensor.nbytes());
    }
  }
  return bytes;
}

}  // namespace

int64_t ReferenceCache::BeginLoop() {
  const MutexLock lock(mutex_);
  running_loops_.insert(++newest_loop_);
  return newest_loop_;
}

void ReferenceCache::EndLoop(int64_t number) {
  const MutexLock lock(mutex_);
  running_loops_.erase(number);
}

bool ReferenceCache::MayGo(const Entry& entry) const {
  const int64_t oldest = running_loops_.empty() ? newest_loop_ : *running_loops_.begin();
  return entry.loop < oldest;
}

std::shared_ptr<const std::vector<SiteFeatures>> ReferenceCache::Find(const std::string& key) {
  const MutexLock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  entries_.front().loop = newest_loop_;
  return entries_.front().features;
}

void ReferenceCache::Put(const std::string& key, const std::vector<SiteFeatures>& features) {
  const MutexLock lock(mutex_);
  if (by_key_.contains(key)) return;
  const int64_t bytes = BytesOf(features);
  while (!entries_.empty() && bytes_ + bytes > most_bytes_ && MayGo(entries_.back())) {
    bytes_ -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  if (bytes_ + bytes > most_bytes_) return;
  entries_.push_front({.key = key,
                       .features = std::make_shared<const std::vector<SiteFeatures>>(features),
                       .bytes = bytes,
                       .loop = newest_loop_});
  by_key_[key] = entries_.begin();
  bytes_ += bytes;
}

int64_t ReferenceCache::bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace vico::worker
