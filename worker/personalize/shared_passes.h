// Joins the predictions of several generations into passes through one U-Net. A generation joins
// and leaves between any two of its steps: continuous batching, as in Orca (Yu et al., OSDI 2022).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"
#include "worker/personalize/passes.h"

namespace vico::worker {

/// For generations with one base model whose latents have one size. Any thread.
class SharedPasses {
 public:
  /// At most `most_rows` rows of the U-Net in a joined pass; a generation with more has a pass of
  /// its own. `base` and `turns` must outlive the object.
  SharedPasses(Base& base, DeviceTurns& turns, int64_t most_rows)
      : base_(base), turns_(turns), most_rows_(most_rows) {}

  /// A generation's place in the batch. Its Predict() waits for the other generations that have
  /// just left a pass and do not work on something else, but not long.
  ///
  /// A pass of several generations that throws is repeated for each alone, so that an error ends
  /// the generation at fault only. With no other generation the bits are those of OwnPasses.
  class Member final : public Passes {
   public:
    explicit Member(std::shared_ptr<SharedPasses> passes) : passes_(std::move(passes)) {}
    ~Member() override { passes_->StepOut(*this); }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

    DeviceTurns::Turn Take() override;
    torch::Tensor Predict(GuidedNetwork& own, const torch::Tensor& latent,
                          std::span<const GuidedRow> rows) override;

   private:
    const std::shared_ptr<SharedPasses> passes_;
  };

  int64_t passes() const;   ///< that were run so far, joined or not
  int64_t waiting() const;  ///< predictions that wait for a pass

 private:
  // A call of Member::Predict().
  struct Request {
    const Member* member;
    GuidedNetwork& own;
    const torch::Tensor& latent;
    std::span<const GuidedRow> rows;
    torch::Tensor predicted = {};
    std::exception_ptr error = {};
    bool done = false;
  };
  using Batch = std::vector<Request*>;

  void StepOut(const Member& member);
  void Await(Request& request);
  Batch TakeBatch();
  void Finish(const Batch& batch, std::chrono::steady_clock::duration length);
  void Run(const Batch& batch);
  void RunJoined(const Batch& batch);
  void RunAlone(Request& request);

  Base& base_;
  DeviceTurns& turns_;
  const int64_t most_rows_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Request*> waiting_ ABSL_GUARDED_BY(mutex_);  // oldest first; their threads own them
  std::set<const Member*> returning_ ABSL_GUARDED_BY(mutex_);  // left a pass, will be back soon
  int64_t runs_ ABSL_GUARDED_BY(mutex_) = 0;
  bool leading_ ABSL_GUARDED_BY(mutex_) = false;  // the thread of the oldest request runs a pass
  std::chrono::steady_clock::time_point pass_end_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::duration pass_length_ ABSL_GUARDED_BY(mutex_) = {};
};

}  // namespace vico::worker
