#include "worker/lease/leased_jobs.h"

#include <algorithm>
#include <utility>

namespace vico::worker {

LeasedJobs::~LeasedJobs() {
  Stop();
  std::list<Held> held;
  {
    MutexLock lock(mutex_);
    changed_.Wait(mutex_, [this] {
      mutex_.AssertHeld();
      return std::all_of(held_.begin(), held_.end(), [](const Held& job) { return job.ended; });
    });
    held.swap(held_);
  }
  for (Held& job : held) job.thread.join();
}

int LeasedJobs::Count(bool generation) const {
  return static_cast<int>(std::count_if(held_.begin(), held_.end(), [&](const Held& job) {
    return !job.ended && job.generation == generation;
  }));
}

Room LeasedJobs::room() const {
  const MutexLock lock(mutex_);
  const int generations = Count(/*generation=*/true);
  const int others = Count(/*generation=*/false);
  if (generations_ > 1) return {.generations = generations_ - generations, .other = others == 0};
  const bool idle = generations + others == 0;
  return {.generations = idle ? 1 : 0, .other = idle};
}

bool LeasedJobs::Start(const v1::LeasedJob& job, Serve serve) {
  const bool generation = job.spec().has_generate();
  const Room left = room();
  if (generation ? left.generations == 0 : !left.other) return false;
  const MutexLock lock(mutex_);
  Held& held = held_.emplace_back();
  held.generation = generation;
  held.thread = std::thread([this, serve = std::move(serve), &held] { Run(serve, held); });
  return true;
}

void LeasedJobs::Run(const Serve& serve, Held& held) {
  const Served served = serve(stop_.get_token());
  std::stop_source call;
  {
    const MutexLock lock(mutex_);
    held.ended = true;
    ends_.any = true;
    ends_.released = ends_.released || served == Served::kReleased;
    call = call_;
    changed_.NotifyAll();
  }
  call.request_stop();
}

void LeasedJobs::WaitForEnd(absl::Duration time, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const MutexLock lock(mutex_);
    changed_.NotifyAll();
  });
  const MutexLock lock(mutex_);
  changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(time), [&] {
    mutex_.AssertHeld();
    return ends_.any || stop.stop_requested();
  });
}

void LeasedJobs::StopAtNextEnd(std::stop_source call) {
  const MutexLock lock(mutex_);
  call_ = std::move(call);
  if (ends_.any) call_.request_stop();
}

LeasedJobs::Ends LeasedJobs::TakeEnds() {
  std::list<Held> ended;
  Ends ends;
  {
    const MutexLock lock(mutex_);
    ends = std::exchange(ends_, {});
    for (auto job = held_.begin(); job != held_.end();) {
      const auto next = std::next(job);
      if (job->ended) ended.splice(ended.end(), held_, job);
      job = next;
    }
  }
  for (Held& job : ended) job.thread.join();
  return ends;
}

}  // namespace vico::worker
