// Splits the rows of a batch into parts and computes each on a thread of its own. This is faster
// for small networks: threads that share an operator synchronise at every operator, threads that
// share a batch once a step.
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

/// While an object exists, LibTorch's operators on this thread use one part's share of the threads.
/// It should exist as long as the loop that uses it; otherwise idle threads of LibTorch's pool
/// compete with the parts.
class RowParts {
 public:
  /// For batches of up to `rows` rows. Uses as many parts as threads and rows allow; 1 on a GPU.
  RowParts(int64_t rows, int threads, const c10::Device& device);
  ~RowParts();
  RowParts(const RowParts&) = delete;
  RowParts& operator=(const RowParts&) = delete;

  /// The number of parts for `rows` rows, 1 or more.
  int64_t CountFor(int64_t rows) const;

  /// Splits `rows` into CountFor(rows) ranges, in order, whose lengths differ by at most one, and
  /// runs `work` on them concurrently, with the caller's grad mode. Rethrows the first error after
  /// all parts have ended.
  void ForEach(int64_t rows, const std::function<void(int64_t part, const RowRange&)>& work) const;

 private:
  int64_t parts_;
  int threads_before_;
};

}  // namespace vico::worker
