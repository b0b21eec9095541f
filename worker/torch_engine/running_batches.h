// The batches of generations that run: one for each base model and size of pictures.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"
#include "vico/v1/job.pb.h"
#include "worker/personalize/shared_passes.h"

namespace vico::worker {

/// Any thread.
class RunningBatches {
 public:
  /// `most_rows` as for SharedPasses. `turns` must outlive the object.
  RunningBatches(DeviceTurns& turns, int64_t most_rows) : turns_(turns), most_rows_(most_rows) {}

  /// A generation's place in a batch, or turns of its own with DETERMINISM_SOLO. `base` must
  /// outlive the result.
  std::unique_ptr<Passes> Join(Base& base, const v1::GenerateSpec& spec);

 private:
  using Key = std::tuple<const Base*, int, int>;  // with the pictures' height and width

  DeviceTurns& turns_;
  const int64_t most_rows_;
  Mutex mutex_;
  std::map<Key, std::weak_ptr<SharedPasses>> batches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vico::worker
