#include "common/flags/suggestions.h"

#include <gtest/gtest.h>

namespace vico {
namespace {

TEST(SuggestionsTest, TheMostSimilarWordIsFound) {
  const std::vector<std::string> words = {"train", "jobs", "adapters", "generate"};
  EXPECT_EQ(MostSimilar("trian", words), "train");
  EXPECT_EQ(MostSimilar("job", words), "jobs");
  EXPECT_EQ(MostSimilar("adaptor", words), "adapters");
  EXPECT_EQ(MostSimilar("genrate", words), "generate");
}

TEST(SuggestionsTest, AnotherWordIsNotSimilar) {
  EXPECT_EQ(MostSimilar("dance", {"train", "jobs"}), "");
  EXPECT_EQ(MostSimilar("", {"train"}), "");
  EXPECT_EQ(MostSimilar("x", {"train"}), "");
  EXPECT_EQ(MostSimilar(std::string(10'000, 'x'), {"train"}), "");
}

}  // namespace
}  // namespace vico
