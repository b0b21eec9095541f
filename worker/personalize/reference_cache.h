// What image attention reads of a reference, kept across jobs: it depends on the prompt and the
// timestep, not on the picture that is drawn. So further pictures of a prompt need half the work.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/model/image_attention.h"

namespace vico::worker {

/// Features by key, at most a number of bytes. The least recently used ones make room. What the
/// current loop has used stays: the loop of a later job asks for the same keys in the same order,
/// so that a cache too small for all of them would otherwise lose each one just before it is
/// needed.
class ReferenceCache {
 public:
  explicit ReferenceCache(int64_t most_bytes) : most_bytes_(most_bytes) {}

  /// A denoising loop begins.
  void BeginLoop() { ++loop_; }

  /// Null if absent. Valid until the next Put().
  const std::vector<SiteFeatures>* Find(const std::string& key);

  /// Keeps the features unless there is no room for them. `key` must be absent.
  void Put(const std::string& key, const std::vector<SiteFeatures>& features);

  int64_t bytes() const { return bytes_; }  ///< of the tensors that are kept

 private:
  struct Entry {
    std::string key;
    std::vector<SiteFeatures> features;
    int64_t bytes = 0;
    int64_t loop = 0;  // the last one that used it
  };

  const int64_t most_bytes_;
  int64_t bytes_ = 0;
  int64_t loop_ = 0;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

}  // namespace vico::worker
