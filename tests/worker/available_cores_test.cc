#include "worker/available_cores.h"

#include <gtest/gtest.h>

namespace vico::worker {
namespace {

TEST(AvailableCoresTest, AQuotaIsRoundedUpToWholeCores) {
  EXPECT_EQ(CoresInQuota("200000 100000\n"), 2);
  EXPECT_EQ(CoresInQuota("150000 100000\n"), 2);
  EXPECT_EQ(CoresInQuota("50000 100000\n"), 1);
}

TEST(AvailableCoresTest, WithoutAQuotaTheCountIsZero) {
  EXPECT_EQ(CoresInQuota("max 100000\n"), 0);
  EXPECT_EQ(CoresInQuota(""), 0);
  EXPECT_EQ(CoresInQuota("-1 100000"), 0);
  EXPECT_EQ(CoresInQuota("100000 0"), 0);
}

TEST(AvailableCoresTest, ThereIsAtLeastOne) { EXPECT_GE(AvailableCores(), 1); }

}  // namespace
}  // namespace vico::worker
