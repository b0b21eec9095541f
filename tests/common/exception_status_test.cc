#include "common/exception_status.h"

#include <atomic>
#include <cstdlib>
#include <new>
#include <stdexcept>

#include <gmock/gmock.h>
#include <openssl/crypto.h>

#include "common/crypto/sha256.h"
#include "common/periodic_thread.h"
#include "tests/support/status_matchers.h"

namespace vico {
namespace {

std::atomic<bool> openssl_has_memory{true};

/// OpenSSL takes its allocator before its first use.
const bool installed =
    CRYPTO_set_mem_functions(
        [](size_t size, const char*, int) {
          return openssl_has_memory ? std::malloc(size) : nullptr;  // NOLINT: the allocator
        },
        [](void* memory, size_t size, const char*, int) {
          return openssl_has_memory ? std::realloc(memory, size) : nullptr;  // NOLINT
        },
        [](void* memory, const char*, int) { std::free(memory); }) == 1;  // NOLINT

template <typename Thrown>
absl::Status StatusOfThrown(const Thrown& thrown) {
  try {
    throw thrown;
  } catch (...) {
    return StatusOfException();
  }
}

TEST(ExceptionStatusTest, MissingMemoryIsResourceExhausted) {
  EXPECT_THAT(StatusOfThrown(std::bad_alloc()), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(StatusOfThrown(std::bad_alloc()), HasReason("OUT_OF_MEMORY"));
  EXPECT_THAT(StatusOfThrown(std::bad_array_new_length()), HasReason("OUT_OF_MEMORY"));
}

TEST(ExceptionStatusTest, AnyOtherExceptionIsInternalAndItsTextPrivate) {
  const absl::Status status = StatusOfThrown(std::runtime_error("a library's text"));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(status, HasMessage(testing::Not(testing::HasSubstr("library"))));
  EXPECT_EQ(PrivateText(status), "a library's text");
  EXPECT_THAT(StatusOfThrown(7), HasCode(absl::StatusCode::kInternal));
}

TEST(ExceptionStatusTest, ADigestWithoutMemoryThrowsAndTheNextWorks) {
  ASSERT_TRUE(installed);
  openssl_has_memory = false;
  EXPECT_THROW(Sha256(), std::bad_alloc);
  openssl_has_memory = true;
  EXPECT_TRUE(IsSha256Hex(Sha256Hex("abc")));
}

TEST(ExceptionStatusTest, APeriodicThreadGoesOnAfterMissingMemory) {
  std::atomic<int> runs = 0;
  std::atomic<int>* const counted = &runs;
  const PeriodicThread thread(absl::Milliseconds(1), [counted] {
    ++*counted;
    counted->notify_all();
    throw std::bad_alloc();
  });
  for (int seen = 0; seen < 3; seen = runs) runs.wait(seen);
  EXPECT_GE(runs, 3);
}

}  // namespace
}  // namespace vico
