#include "tests/server/sql/failing_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

#include <sqlite3.h>

namespace vico::server {
namespace {

constexpr int kOff = -1;

std::atomic<int> mode{kOff};
std::atomic<int64_t> period{0};
std::atomic<int64_t> counted{0};
std::atomic<int64_t> failed{0};

bool FailsNow() {
  const int now = mode.load(std::memory_order_relaxed);
  if (now == kOff) return false;
  const int64_t number = counted.fetch_add(1);
  const int64_t length = period;
  bool fails = false;
  switch (static_cast<Failing>(now)) {
    case Failing::kOnce:
      fails = number == length;
      break;
    case Failing::kForGood:
      fails = number >= length;
      break;
    case Failing::kEach:
      fails = number % length == length - 1;
      break;
  }
  if (fails) ++failed;
  return fails;
}

sqlite3_mem_methods original;

void* Allocate(int size) { return FailsNow() ? nullptr : original.xMalloc(size); }
void* Reallocate(void* memory, int size) {
  return FailsNow() ? nullptr : original.xRealloc(memory, size);
}

/// SQLite takes its allocator before its first use.
const bool installed = [] {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &original);
  sqlite3_mem_methods failing = original;
  failing.xMalloc = Allocate;
  failing.xRealloc = Reallocate;
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK;
}();

}  // namespace

void FailAllocations(Failing failing, int64_t allocations) {
  if (!installed) std::abort();
  counted = 0;
  failed = 0;
  period = allocations;
  mode = static_cast<int>(failing);
}

int64_t StopFailing() {
  mode = kOff;
  return failed;
}

}  // namespace vico::server

void* operator new(std::size_t size) {
  void* const memory =
      vico::server::FailsNow() ? nullptr : std::malloc(size);  // NOLINT: it is the allocator
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }               // NOLINT
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }  // NOLINT
