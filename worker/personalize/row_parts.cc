#include "worker/personalize/row_parts.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

namespace vico::worker {

RowParts::RowParts(int64_t rows, int threads, const c10::Device& device, int64_t devices)
    : devices_(devices),
      parts_(std::clamp<int64_t>(rows, 1, device.is_cpu() ? std::max(threads, 1) : devices)),
      threads_before_(at::get_num_threads()) {
  at::set_num_threads(std::max(1, threads / static_cast<int>(parts_)));
}

RowParts::~RowParts() { at::set_num_threads(threads_before_); }

int64_t RowParts::CountFor(int64_t rows) const { return std::clamp<int64_t>(rows, 1, parts_); }

int64_t RowParts::DeviceOf(int64_t part, int64_t rows) const {
  const int64_t parts = CountFor(rows);
  return part * std::min(devices_, parts) / parts;
}

void RowParts::ForEach(int64_t rows,
                       const std::function<void(int64_t part, const RowRange&)>& work) const {
  const int64_t parts = CountFor(rows);
  if (parts == 1) return work(0, {0, rows});

  const int threads = at::get_num_threads();
  const bool grad_mode = c10::GradMode::is_enabled();
  std::vector<std::exception_ptr> errors(static_cast<size_t>(parts));
  const auto run = [&](int64_t part) {
    try {
      // A thread takes the number that any thread set last when it first asks for it.
      at::get_num_threads();
      at::set_num_threads(threads);  // applies to this thread and those it starts
      const c10::AutoGradMode mode(grad_mode);
      const int64_t begin = part * rows / parts;
      work(part, {begin, (part + 1) * rows / parts - begin});
    } catch (...) {
      errors[static_cast<size_t>(part)] = std::current_exception();
    }
  };
  std::vector<std::jthread> others;
  for (int64_t part = 1; part < parts; ++part) others.emplace_back(run, part);
  run(0);
  others.clear();  // joins
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace vico::worker
