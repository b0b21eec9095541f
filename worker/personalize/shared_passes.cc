#include "worker/personalize/shared_passes.h"

#include <algorithm>
#include <iterator>

namespace vico::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How long a pass waits for generations that the last one has left: a tenth of that pass.
steady_clock::duration Patience(steady_clock::duration pass_length) {
  return std::clamp<steady_clock::duration>(pass_length / 10, milliseconds(10), milliseconds(200));
}

}  // namespace

int64_t SharedPasses::passes() const {
  const MutexLock lock(mutex_);
  return runs_;
}

int64_t SharedPasses::waiting() const {
  const MutexLock lock(mutex_);
  return std::ssize(waiting_);
}

DeviceTurns::Turn SharedPasses::Member::Take() {
  passes_->StepOut(*this);
  return passes_->turns_.Take(Work::kGeneration);
}

torch::Tensor SharedPasses::Member::Predict(GuidedNetwork& own, const torch::Tensor& latent,
                                            std::span<const GuidedRow> rows) {
  Request request = {.member = this, .own = own, .latent = latent, .rows = rows};
  passes_->Await(request);
  if (request.error) std::rethrow_exception(request.error);
  return request.predicted;
}

void SharedPasses::StepOut(const Member& member) {
  const MutexLock lock(mutex_);
  if (returning_.erase(&member) > 0) changed_.NotifyAll();
}

// Hands in the request and waits for its prediction. The thread of the oldest request runs the next
// pass.
void SharedPasses::Await(Request& request) {
  {
    const MutexLock lock(mutex_);
    returning_.erase(request.member);
    waiting_.push_back(&request);
    changed_.NotifyAll();
    changed_.Wait(mutex_, [&] {
      mutex_.AssertHeld();
      return request.done || (!leading_ && waiting_.front() == &request);
    });
    if (request.done) return;
    leading_ = true;
  }
  const auto turn = turns_.Take(Work::kGeneration);
  const Batch batch = TakeBatch();
  const auto begin = steady_clock::now();
  Run(batch);
  Finish(batch, steady_clock::now() - begin);
}

// Marks the requests as done and lets the next pass begin.
void SharedPasses::Finish(const Batch& batch, steady_clock::duration length) {
  const MutexLock lock(mutex_);
  pass_end_ = steady_clock::now();
  pass_length_ = length;
  ++runs_;
  for (Request* const request : batch) {
    request->done = true;
    if (!request->error) returning_.insert(request->member);
  }
  leading_ = false;
  changed_.NotifyAll();
}

// The oldest requests that fit into a pass, after those of generations that are soon back.
SharedPasses::Batch SharedPasses::TakeBatch() {
  const MutexLock lock(mutex_);
  changed_.WaitUntil(mutex_, pass_end_ + Patience(pass_length_), [&] {
    mutex_.AssertHeld();
    return returning_.empty();
  });
  returning_.clear();  // those that are late are not waited for again
  Batch batch;
  int64_t rows = 0;
  while (!waiting_.empty()) {
    rows += HalvesOf(waiting_.front()->rows);
    if (!batch.empty() && rows > most_rows_) break;
    batch.push_back(waiting_.front());
    waiting_.pop_front();
  }
  return batch;
}

// Called on the thread of the batch's first request.
void SharedPasses::Run(const Batch& batch) {
  if (batch.size() > 1) {
    try {
      return RunJoined(batch);
    } catch (...) {
      // Whose rows are at fault shows when each runs alone.
    }
  }
  for (Request* const request : batch) RunAlone(*request);
}

void SharedPasses::RunJoined(const Batch& batch) {
  std::vector<torch::Tensor> latents;
  std::vector<GuidedRow> rows;
  for (const Request* const request : batch) {
    latents.push_back(request->latent);
    rows.insert(rows.end(), request->rows.begin(), request->rows.end());
  }
  const auto predicted = GuidedNetwork(base_, HalvesOf(rows))(at::cat(latents), rows);
  FinishFor(turns_, predicted);
  int64_t first = 0;
  for (Request* const request : batch) {
    const int64_t count = std::ssize(request->rows);
    request->predicted = predicted.narrow(0, first, count);
    first += count;
  }
}

void SharedPasses::RunAlone(Request& request) {
  try {
    request.predicted = request.own(request.latent, request.rows);
    FinishFor(turns_, request.predicted);
  } catch (...) {
    request.error = std::current_exception();
  }
}

}  // namespace vico::worker
