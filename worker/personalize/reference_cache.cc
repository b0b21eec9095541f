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

const std::vector<SiteFeatures>* ReferenceCache::Find(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  entries_.front().loop = loop_;
  return &entries_.front().features;
}

void ReferenceCache::Put(const std::string& key, const std::vector<SiteFeatures>& features) {
  const int64_t bytes = BytesOf(features);
  while (!entries_.empty() && bytes_ + bytes > most_bytes_ && entries_.back().loop != loop_) {
    bytes_ -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  if (bytes_ + bytes > most_bytes_) return;
  entries_.push_front({.key = key, .features = features, .bytes = bytes, .loop = loop_});
  by_key_[key] = entries_.begin();
  bytes_ += bytes;
}

}  // namespace vico::worker
