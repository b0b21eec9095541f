#include <cstdlib>

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include "common/crypto/sha256.h"

namespace vico {
namespace {

void SayFreed() {
  constexpr char kText[] = "OpenSSL's state is freed";
  if (write(STDERR_FILENO, kText, sizeof(kText) - 1) < 0) _exit(1);
}

TEST(OpensslExitTest, TheStateOfOpensslStaysUntilTheProcessHasEnded) {
  EXPECT_EXIT(
      {
        Sha256Hex("");
        if (OPENSSL_atexit(SayFreed) != 1) _exit(2);
        std::exit(0);  // NOLINT(concurrency-mt-unsafe)
      },
      testing::ExitedWithCode(0), "^$");
}

}  // namespace
}  // namespace vico
