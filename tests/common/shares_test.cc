// Tests of the division of places.
#include "common/shares.h"

#include <string>

#include <gtest/gtest.h>

namespace vico {
namespace {

using Taken = Shares::Taken;

uint64_t TakeAll(Shares& shares, const std::string& owner) {
  uint64_t taken = 0;
  while (shares.Take(owner) == Taken::kYes) ++taken;
  return taken;
}

TEST(SharesTest, AnOwnerGetsHalfOfWhatTheOthersLeave) {
  Shares shares(32);
  EXPECT_EQ(TakeAll(shares, "a"), 16u);
  EXPECT_EQ(TakeAll(shares, "b"), 8u);
  EXPECT_EQ(TakeAll(shares, "c"), 4u);
  EXPECT_EQ(shares.Take("a"), Taken::kOwnerHasItsShare);
  EXPECT_EQ(shares.taken(), 28u);
}

TEST(SharesTest, TheLastPlaceCanBeTaken) {
  Shares shares(2);
  EXPECT_EQ(TakeAll(shares, "a"), 1u);
  EXPECT_EQ(TakeAll(shares, "b"), 1u);
  EXPECT_EQ(shares.Take("c"), Taken::kNoneLeft);
  Shares one(1);
  EXPECT_EQ(one.Take("a"), Taken::kYes);
}

TEST(SharesTest, WhatIsReturnedCanBeTakenAgain) {
  Shares shares(8);
  EXPECT_EQ(TakeAll(shares, "a"), 4u);
  EXPECT_EQ(TakeAll(shares, "b"), 2u);
  for (int i = 0; i < 4; ++i) shares.Return("a");
  EXPECT_EQ(shares.taken("a"), 0u);
  EXPECT_EQ(TakeAll(shares, "b"), 2u) << "half of all eight";
  EXPECT_EQ(shares.taken(), 4u);
}

TEST(SharesTest, AnOwnerHasALimitOfItsOwn) {
  Shares shares(100, 10);
  EXPECT_EQ(TakeAll(shares, "a"), 10u);
  EXPECT_EQ(TakeAll(shares, "b"), 10u);
}

TEST(SharesTest, AmountsAreTakenWholeOrNotAtAll) {
  Shares shares(100);
  EXPECT_EQ(shares.Take("a", 51), Taken::kOwnerHasItsShare);
  EXPECT_EQ(shares.Take("a", 101), Taken::kNoneLeft);
  EXPECT_EQ(shares.Take("a", UINT64_MAX), Taken::kNoneLeft);
  EXPECT_EQ(shares.taken(), 0u);
  EXPECT_EQ(shares.Take("a", 50), Taken::kYes);
  EXPECT_EQ(shares.Take("a", 0), Taken::kYes);
  EXPECT_EQ(shares.taken("a"), 50u);
}

}  // namespace
}  // namespace vico
