// Splits the rows of a batch into parts and computes each on a thread of its own. This is faster
// for small networks: threads that share an operator synchronise at every operator, threads that
// share a batch once a step. The parts may be on several devices.
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
  /// For batches of up to `rows` rows, on `devices` devices of the kind of `device`. CPU devices
  /// share the threads: there are as many parts as threads and rows allow, however many devices
  /// there are, so that the parts and what they compute do not depend on it. Each GPU has one part.
  RowParts(int64_t rows, int threads, const c10::Device& device, int64_t devices = 1);
  ~RowParts();
  RowParts(const RowParts&) = delete;
  RowParts& operator=(const RowParts&) = delete;

  /// The number of parts for `rows` rows, 1 or more.
  int64_t CountFor(int64_t rows) const;

  /// The device, 0..devices - 1, of a part of `rows` rows. Parts are spread evenly, in order.
  int64_t DeviceOf(int64_t part, int64_t rows) const;

  /// Splits `rows` into CountFor(rows) ranges, in order, whose lengths differ by at most one, and
  /// runs `work` on them concurrently, with the caller's grad mode. Rethrows the first error after
  /// all parts have ended.
  void ForEach(int64_t rows, const std::function<void(int64_t part, const RowRange&)>& work) const;

 private:
  int64_t devices_;
  int64_t parts_;
  int threads_before_;
};

}  // namespace vico::worker
