#include "worker/engine/recently_used.h"

#include <gtest/gtest.h>

namespace vico::worker {
namespace {

TEST(RecentlyUsedTest, FindsAValue) {
  RecentlyUsed<int> cache(2);
  cache.Put("a", 1);

  ASSERT_NE(cache.Find("a"), nullptr);
  EXPECT_EQ(*cache.Find("a"), 1);
  EXPECT_EQ(cache.Find("b"), nullptr);
}

TEST(RecentlyUsedTest, EvictsTheLeastRecentlyUsed) {
  RecentlyUsed<int> cache(2);
  cache.Put("a", 1);
  cache.Put("b", 2);
  cache.Find("a");
  cache.Put("c", 3);

  EXPECT_NE(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_NE(cache.Find("c"), nullptr);
}

TEST(RecentlyUsedTest, HoldsAtLeastOneValue) {
  RecentlyUsed<int> cache(0);
  cache.Put("a", 1);

  EXPECT_NE(cache.Find("a"), nullptr);
}

}  // namespace
}  // namespace vico::worker
