#include "common/text/number.h"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(NumberTest, DigitsAreDecimal) {
  EXPECT_EQ(ParseNumber<std::uint64_t>("--seed", "18446744073709551615").value(), UINT64_MAX);
  EXPECT_EQ(ParseNumber<int>("--steps", "012").value(), 12);
  EXPECT_EQ(ParseNumber<int>("--steps", "-5").value(), -5);
  EXPECT_EQ(ParseNumber<double>("--rate", "1e-5").value(), 1e-5);
  EXPECT_EQ(ParseNumber<double>("--rate", "-.5").value(), -0.5);
}

class NotUnsigned : public testing::TestWithParam<std::string> {};
TEST_P(NotUnsigned, IsRefusedWithFieldAndRange) {
  const auto number = ParseNumber<std::uint64_t>("--seed", GetParam());
  EXPECT_THAT(number, NamesField("--seed"));
  EXPECT_THAT(number, HasMessage(HasSubstr("0..18446744073709551615")));
}
INSTANTIATE_TEST_SUITE_P(Texts, NotUnsigned,
                         testing::Values("", "-1", "-0", "+1", "0x10", "1e3", "1.0", " 1", "1 ",
                                         "1\n", "1k", "18446744073709551616", "seven", "１", "1,2",
                                         std::string("1\0", 2)));

class NotReal : public testing::TestWithParam<std::string> {};
TEST_P(NotReal, IsRefused) {
  EXPECT_THAT(ParseNumber<double>("--rate", GetParam()), NamesField("--rate"));
}
INSTANTIATE_TEST_SUITE_P(Texts, NotReal,
                         testing::Values("", "nan", "NaN", "inf", "-inf", "infinity", "1e999",
                                         "1,5", "0x1p3", "+1", " 1", "1s", "50%", "1e", "."));

TEST(NumberTest, TheRangeIsSaid) {
  const NumberBounds<int> limits{1, 5000};
  EXPECT_THAT(ParseNumber<int>("--steps", "0", limits),
              HasMessage("--steps: must be a whole number in 1..5000, got \"0\""));
  EXPECT_THAT(ParseNumber<int>("--steps", "5001", limits), HasMessage(HasSubstr("1..5000")));
  EXPECT_THAT(ParseNumber<std::uint8_t>("n", "256"), HasMessage(HasSubstr("0..255")));
  EXPECT_THAT(ParseNumber<int>("n", "99999999999"), HasMessage(HasSubstr("2147483647")));
  EXPECT_THAT(ParseNumber<double>("f", "1.01", {0, 1}),
              HasMessage("f: must be a number in 0..1, got \"1.01\""));
  EXPECT_TRUE(ParseNumber<double>("f", "1", {0, 1}).ok());
}

TEST(NumberTest, WhatCannotBeSeenIsSaid) {
  EXPECT_THAT(ParseNumber<int>("n", "1 "), HasMessage(HasSubstr("with a blank")));
  EXPECT_THAT(ParseNumber<int>("n", "0x1f"), HasMessage(HasSubstr("hexadecimal")));
  EXPECT_THAT(ParseNumber<double>("n", "1,5"), HasMessage(HasSubstr("decimal point")));
}

TEST(NumberTest, TheTextIsShownPlainAndShort) {
  EXPECT_THAT(ParseNumber<int>("n", "\x1b[2J" + std::string(500, '9')),
              HasMessage(AllOf(HasSubstr("\\u{1b}[2J999"), HasSubstr("9…\""),
                               testing::Not(HasSubstr(std::string(60, '9'))))));
}

}  // namespace
}  // namespace vico
