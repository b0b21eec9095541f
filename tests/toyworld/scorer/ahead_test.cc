#include "toyworld/scorer/ahead.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace vico::toyworld {
namespace {

TEST(AheadTest, ValuesComeInOrderWhenSomeTakeLonger) {
  for (const int threads : {0, 1, 4}) {
    Ahead<int64_t> squares(
        [](int64_t i) {
          if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
          return i * i;
        },
        7, threads);
    for (int64_t i = 7; i < 40; ++i) EXPECT_EQ(squares.Next(), i * i) << threads << " threads";
  }
}

TEST(AheadTest, AnExceptionIsThrownAtThePositionOfItsValue) {
  for (const int threads : {0, 3}) {
    Ahead<int64_t> source(
        [](int64_t i) {
          if (i == 2) throw std::runtime_error("two");
          return i;
        },
        1, threads);
    EXPECT_EQ(source.Next(), 1);
    EXPECT_THROW(source.Next(), std::runtime_error);
    EXPECT_EQ(source.Next(), 3);
  }
}

TEST(AheadTest, NumberOfValuesMadeInAdvanceIsBounded) {
  std::atomic<int> made = 0;
  {
    Ahead<int> source([&](int64_t) { return ++made; }, 0, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_LE(made, 4);
    source.Next();
  }
  EXPECT_LE(made, 5);
}

}  // namespace
}  // namespace vico::toyworld
