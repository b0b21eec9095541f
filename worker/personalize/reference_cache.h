// What image attention reads of a reference, kept across jobs: it depends on the prompt and the
// timestep, not on the picture that is drawn. So further pictures of a prompt need half the work.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"
#include "worker/model/image_attention.h"

namespace vico::worker {

/// Features by key, at most a number of bytes. The least recently used ones make room. What was
/// used since the oldest loop that runs began stays: the loop of a later job asks for the same keys
/// in the same order, so that a cache too small for all of them would otherwise lose each one just
/// before it is needed. Any thread.
class ReferenceCache {
 public:
  explicit ReferenceCache(int64_t most_bytes) : most_bytes_(most_bytes) {}

  /// A denoising loop, which runs as long as the object exists. The cache must outlive it.
  class Loop {
   public:
    explicit Loop(ReferenceCache& cache) : cache_(cache), number_(cache.BeginLoop()) {}
    ~Loop() { cache_.EndLoop(number_); }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

   private:
    ReferenceCache& cache_;
    const int64_t number_;
  };

  /// Null if absent.
  std::shared_ptr<const std::vector<SiteFeatures>> Find(const std::string& key);

  /// Keeps the features unless there is no room for them or the key is there.
  void Put(const std::string& key, const std::vector<SiteFeatures>& features);

  int64_t bytes() const;  ///< of the tensors that are kept

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const std::vector<SiteFeatures>> features;
    int64_t bytes = 0;
    int64_t loop = 0;  // the newest one when it was last used
  };

  int64_t BeginLoop();
  void EndLoop(int64_t number);
  bool MayGo(const Entry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int64_t most_bytes_;
  mutable Mutex mutex_;
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t newest_loop_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<int64_t> running_loops_ ABSL_GUARDED_BY(mutex_);
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vico::worker
