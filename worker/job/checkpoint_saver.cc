#include "worker/job/checkpoint_saver.h"

#include <string>
#include <utility>

#include "common/failpoint.h"
#include "common/status.h"
#include "worker/job/retry.h"

namespace vico::worker {
namespace {

// After three failed uploads the next checkpoint is the better one to try.
constexpr int kTries = 3;
// As the server keeps.
constexpr size_t kStored = 2;

}  // namespace

CheckpointSaver::CheckpointSaver(ServerLink& link, Reporter& reporter, const Clock& clock,
                                 LeaseKey lease, const CheckpointTiming& timing, Tracing tracing)
    : link_(link),
      reporter_(reporter),
      clock_(clock),
      lease_(std::move(lease)),
      timing_(timing),
      tracing_(std::move(tracing)),
      last_time_(clock.Uptime()) {}

CheckpointSaver::~CheckpointSaver() { Wait(); }

void CheckpointSaver::StartAt(int64_t step) {
  last_step_ = step;
  last_time_ = clock_.Uptime();
}

bool CheckpointSaver::IsDue(int64_t step) {
  const absl::Duration since = clock_.Uptime() - last_time_;
  const MutexLock lock(mutex_);
  if (busy_ || since * timing_.share < last_save_) return false;
  return step - last_step_ >= timing_.steps || (step > last_step_ && since >= timing_.time);
}

void CheckpointSaver::Save(TrainCheckpoint checkpoint) {
  Wait();
  last_step_ = checkpoint.step;
  last_time_ = clock_.Uptime();
  {
    const MutexLock lock(mutex_);
    busy_ = true;
  }
  thread_ = std::thread([this, checkpoint = std::move(checkpoint)] {
    const absl::Duration start = clock_.Uptime();
    Run(checkpoint);
    const MutexLock lock(mutex_);
    last_save_ = clock_.Uptime() - start;
    busy_ = false;
  });
}

void CheckpointSaver::Wait() {
  if (thread_.joinable()) thread_.join();
}

void CheckpointSaver::Run(const TrainCheckpoint& checkpoint) {
  ActiveSpan span(tracing_, clock_, "checkpoint");
  LeaseKey lease = lease_;
  lease.trace = span.context();
  span.SetStatus([&]() -> absl::Status {
    RETURN_IF_ERROR(VICO_FAILPOINT_STATUS("ckpt.mid_copy"));
    ASSIGN_OR_RETURN(const std::string bytes, checkpoint.serialize());
    v1::Event event;
    event.mutable_checkpoint()->set_step(checkpoint.step);
    v1::BlobRef& blob = *event.mutable_checkpoint()->mutable_blob();
    blob = BlobRefOf(bytes, kCheckpointMediaType);
    span.Set("vico.step", checkpoint.step);
    span.Set("vico.bytes", static_cast<int64_t>(bytes.size()));
    absl::Status put = link_.PutBlob(blob, bytes, lease);
    for (int tries = 1; IsTransient(put) && tries < kTries; ++tries) {
      put = link_.PutBlob(blob, bytes, lease);
    }
    RETURN_IF_ERROR(put);
    RETURN_IF_ERROR(VICO_FAILPOINT_STATUS("ckpt.before_report"));
    {
      const MutexLock lock(mutex_);
      stored_.insert(stored_.begin(), event.checkpoint());
      if (stored_.size() > kStored) stored_.pop_back();
    }
    reporter_.Add(std::move(event));
    return absl::OkStatus();
  }());
}

std::vector<v1::Event::Checkpoint> CheckpointSaver::stored() const {
  const MutexLock lock(mutex_);
  return stored_;
}

}  // namespace vico::worker
