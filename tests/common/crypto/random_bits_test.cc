#include "common/crypto/random_bits.h"

#include <gtest/gtest.h>

namespace vico {
namespace {

TEST(RandomBitsTest, TwoDrawsDiffer) { EXPECT_NE(RandomBits(), RandomBits()); }

TEST(Random01Test, IsAtLeastZeroAndBelowOne) {
  for (int i = 0; i < 1000; ++i) {
    const double draw = Random01();
    EXPECT_GE(draw, 0.0);
    EXPECT_LT(draw, 1.0);
  }
}

}  // namespace
}  // namespace vico
