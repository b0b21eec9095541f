// Times of calls.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace vico::bench {

using std::chrono::steady_clock;

inline double SecondsSince(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/// One thread at a time.
class Times {
 public:
  void Add(double milliseconds) { all_.push_back(milliseconds); }
  void Add(const Times& more) { all_.insert(all_.end(), more.all_.begin(), more.all_.end()); }

  size_t count() const { return all_.size(); }

  /// The time that `share` of the calls did not exceed; 0 without calls.
  double Quantile(double share) const {
    if (all_.empty()) return 0;
    std::vector<double> sorted = all_;
    const auto at = std::min(static_cast<size_t>(share * static_cast<double>(sorted.size())),
                             sorted.size() - 1);
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(at),
                     sorted.end());
    return sorted[at];
  }

  double Mean() const {
    double sum = 0;
    for (const double one : all_) sum += one;
    return all_.empty() ? 0 : sum / static_cast<double>(all_.size());
  }

  /// Adds the duration of `call` and returns its result.
  template <typename Call>
  auto Measure(const Call& call) {
    const auto start = steady_clock::now();
    auto result = call();
    Add(SecondsSince(start) * 1000);
    return result;
  }

 private:
  std::vector<double> all_;  // milliseconds
};

}  // namespace vico::bench
