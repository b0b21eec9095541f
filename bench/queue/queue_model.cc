#include "bench/queue/queue_model.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <queue>
#include <random>
#include <utility>
#include <vector>

#include "bench/queue/times.h"

namespace vico::bench {
namespace {

constexpr double kWarmUp = 20;
constexpr double kEnd = 60;

using Then = std::function<void()>;

/// The events of the run, in the order of their times.
class Events {
 public:
  double now() const { return now_; }

  void In(double seconds, Then then) { queue_.push({now_ + seconds, next_++, std::move(then)}); }

  void RunTo(double end) {
    while (!queue_.empty() && queue_.top().time <= end) {
      now_ = queue_.top().time;
      const Then then = std::move(const_cast<Event&>(queue_.top()).then);  // NOLINT
      queue_.pop();
      then();
    }
    now_ = end;
  }

 private:
  struct Event {
    double time;
    long number;  // keeps events of the same time in order
    Then then;
    bool operator<(const Event& other) const {
      return std::pair(time, number) > std::pair(other.time, other.number);
    }
  };
  double now_ = 0;
  long next_ = 0;
  std::priority_queue<Event> queue_;
};

/// A number of equal places, taken in order of arrival.
class Places {
 public:
  Places(Events& events, int count) : events_(events), count_(count) {}

  void Take(Then then) {
    if (taken_ < count_) {
      Change(1);
      then();
    } else {
      waiting_.push_back(std::move(then));
    }
  }

  void GiveBack() {
    if (waiting_.empty()) return Change(-1);
    const Then then = std::move(waiting_.front());
    waiting_.pop_front();
    then();
  }

  /// The share of the places that was taken since the end of the warm-up.
  double Share() {
    Change(0);
    return used_ / ((kEnd - kWarmUp) * count_);
  }

 private:
  void Change(int by) {
    used_ += taken_ * std::max(0.0, events_.now() - std::max(since_, kWarmUp));
    since_ = events_.now();
    taken_ += by;
  }

  Events& events_;
  const int count_;
  int taken_ = 0;
  double since_ = 0;
  double used_ = 0;  // seconds
  std::deque<Then> waiting_;
};

class Model {
 public:
  explicit Model(const ModelOptions& options)
      : options_(options), database_(events_, options.database_servers), lease_lock_(events_, 1) {
    for (int i = 0; i < options.fronts; ++i) fronts_.emplace_back(events_, options.threads);
  }

  ModelResult Run() {
    // Every worker is in the middle of a job.
    for (int i = 0; i < options_.workers; ++i) {
      Front& front = fronts_[static_cast<size_t>(i % options_.fronts)];
      const double end = Random(options_.job_seconds);
      events_.In(std::min(end, Random(options_.report_seconds)),
                 [this, &front, end] { Work(front, end); });
    }
    events_.RunTo(kEnd);
    ModelResult result;
    result.jobs_per_second = jobs_ / (kEnd - kWarmUp);
    result.calls_per_second = calls_ / (kEnd - kWarmUp);
    result.database = database_.Share();
    result.lease_lock = lease_lock_.Share();
    for (Front& front : fronts_) result.threads = std::max(result.threads, front.threads.Share());
    result.report_p50 = reports_.Quantile(0.5);
    result.report_p99 = reports_.Quantile(0.99);
    result.lease_p50 = leases_.Quantile(0.5);
    result.lease_p99 = leases_.Quantile(0.99);
    return result;
  }

 private:
  struct Front {
    Front(Events& events, int count) : threads(events, count) {}
    Places threads;
    std::deque<Then> leases;  // that wait for a batch
    bool serving = false;
  };

  double Random(double below) { return std::uniform_real_distribution<>(0, below)(random_); }

  bool Counts() const { return events_.now() > kWarmUp; }

  void UseDatabase(double seconds, Then then) {
    database_.Take([this, seconds, then = std::move(then)] {
      events_.In(seconds, [this, then] {
        database_.GiveBack();
        then();
      });
    });
  }

  void Call(Front& front, double seconds, Then then) {
    front.threads.Take([this, &front, seconds, then = std::move(then)] {
      UseDatabase(seconds, [this, &front, then] {
        front.threads.GiveBack();
        calls_ += Counts();
        then();
      });
    });
  }

  void Lease(Front& front) {
    const double called = events_.now();
    front.threads.Take([this, &front, called] {
      front.leases.push_back([this, &front, called] {
        front.threads.GiveBack();
        if (Counts()) leases_.Add((events_.now() - called) * 1000);
        calls_ += Counts();
        Work(front, events_.now() + options_.job_seconds);
      });
      Serve(front);
    });
  }

  void Serve(Front& front) {
    if (front.serving || front.leases.empty()) return;
    front.serving = true;
    const size_t most = static_cast<size_t>(options_.most_leases);
    std::vector<Then> batch;
    while (!front.leases.empty() && batch.size() < most) {
      batch.push_back(std::move(front.leases.front()));
      front.leases.pop_front();
    }
    lease_lock_.Take([this, &front, batch = std::move(batch)] {
      const double seconds =
          options_.times.lease_batch + options_.times.lease * static_cast<double>(batch.size());
      UseDatabase(seconds, [this, &front, batch] {
        lease_lock_.GiveBack();
        front.serving = false;
        for (const Then& answer : batch) answer();
        Serve(front);
      });
    });
  }

  void Work(Front& front, double end) {
    const double left = end - events_.now();
    if (left <= 0) {
      Call(front, options_.times.finish, [this, &front] {
        jobs_ += Counts();
        Lease(front);
        Call(front, options_.times.submit, [] {});
      });
      return;
    }
    events_.In(std::min(left, options_.report_seconds), [this, &front, end] {
      const double called = events_.now();
      Call(front, options_.times.report, [this, &front, end, called] {
        if (Counts()) reports_.Add((events_.now() - called) * 1000);
        Work(front, end);
      });
    });
  }

  const ModelOptions options_;
  Events events_;
  Places database_;
  Places lease_lock_;
  std::deque<Front> fronts_;
  std::mt19937 random_{1};
  int jobs_ = 0;
  int calls_ = 0;
  Times reports_;
  Times leases_;
};

}  // namespace

ModelResult RunModel(const ModelOptions& options) { return Model(options).Run(); }

}  // namespace vico::bench
