#include "client/arguments/label_options.h"

#include <string>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico::client {
namespace {

using ::testing::Pair;

TEST(LabelOptionsTest, AKeyAndAValueAreRead) {
  EXPECT_THAT(*ParseLabel("owner=ana"), Pair("owner", "ana"));
  EXPECT_THAT(*ParseLabel("example.org/sprint-3=2026.07_b"),
              Pair("example.org/sprint-3", "2026.07_b"));
  EXPECT_THAT(*ParseLabel("empty="), Pair("empty", ""));
  EXPECT_THAT(*ParseLabel("a=" + std::string(63, 'b')), Pair("a", std::string(63, 'b')));
}

TEST(LabelOptionsTest, WhatTheServerRefusesIsRefused) {
  for (const std::string& text :
       {std::string("owner"), std::string("=x"), std::string("-a=x"), std::string("a-=x"),
        std::string("a b=x"), std::string("Example.org/a=x"), std::string("a..b/c=x"),
        std::string("-a/c=x"), std::string("/c=x"), std::string("a/=x"), std::string("a/b/c=x"),
        std::string("a=x y"), std::string("a=é"), std::string("a==b"), std::string("a=-"),
        std::string(64, 'a') + "=x", "a=" + std::string(64, 'b')}) {
    EXPECT_THAT(ParseLabel(text), HasCode(absl::StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace vico::client
