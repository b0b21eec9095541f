// Rows of a batch computed in parts, each on a thread of its own. Small networks gain: threads that
// share one operator wait for each other at every operator, threads that share a batch once a step.
#pragma once

#include <cstdint>
#include <functional>

#include <c10/core/Device.h>

namespace vico::worker {

/// One part's rows: begin .. begin + count - 1.
struct RowRange {
  int64_t begin = 0;
  int64_t count = 0;
};

/// As long as it lives, LibTorch's operators on this thread have one part's share of the threads;
/// so it should live as long as the loop it serves, lest idle threads of LibTorch's pool compete
/// with the parts.
class RowParts {
 public:
  /// For batches of up to `rows` rows: as many parts as threads and rows allow, 1 on a GPU, whose
  /// operators are parallel in themselves.
  RowParts(int64_t rows, int threads, const c10::Device& device);
  ~RowParts();
  RowParts(const RowParts&) = delete;
  RowParts& operator=(const RowParts&) = delete;

  /// How many parts `rows` rows make, 1 or more.
  int64_t CountFor(int64_t rows) const;

  /// Cuts `rows` into CountFor(rows) ranges whose lengths differ by at most one, and runs `work` on
  /// all of them at once. The order of the ranges is that of the rows. Grad mode is the caller's.
  /// Rethrows the first part's error when all have ended.
  void ForEach(int64_t rows, const std::function<void(int64_t part, const RowRange&)>& work) const;

 private:
  int64_t parts_;
  int threads_before_;
};

}  // namespace vico::worker
