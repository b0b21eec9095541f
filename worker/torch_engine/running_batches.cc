#include "worker/torch_engine/running_batches.h"

#include <utility>

namespace vico::worker {

std::unique_ptr<Passes> RunningBatches::Join(Base& base, const v1::GenerateSpec& spec) {
  if (spec.determinism() == v1::DETERMINISM_SOLO) return std::make_unique<OwnPasses>(turns_);
  const MutexLock lock(mutex_);
  std::erase_if(batches_, [](const auto& batch) { return batch.second.expired(); });
  std::weak_ptr<SharedPasses>& kept = batches_[{&base, spec.height(), spec.width()}];
  std::shared_ptr<SharedPasses> batch = kept.lock();
  if (batch == nullptr) {
    batch = std::make_shared<SharedPasses>(base, turns_, most_rows_);
    kept = batch;
  }
  return std::make_unique<SharedPasses::Member>(std::move(batch));
}

}  // namespace vico::worker
