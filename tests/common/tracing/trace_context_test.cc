#include "common/tracing/trace_context.h"

#include <gmock/gmock.h>

namespace vico {
namespace {

using testing::MatchesRegex;
using testing::Optional;

const std::string kTrace = "0af7651916cd43dd8448eb211c80319c";
const std::string kSpan = "b7ad6b7169203331";

std::string With(const std::string& version, const std::string& flags) {
  return version + "-" + kTrace + "-" + kSpan + "-" + flags;
}

TEST(TraceContextTest, ATraceparentRoundTrips) {
  const auto context = ParseTraceparent(With("00", "01"), "vendor=value");
  ASSERT_TRUE(context);
  EXPECT_EQ(*context, (TraceContext{kTrace, kSpan, true, "vendor=value"}));
  EXPECT_EQ(Traceparent(*context), With("00", "01"));
  EXPECT_EQ(Traceparent({}), "");
}

TEST(TraceContextTest, TheLowestFlagMeansSampled) {
  EXPECT_TRUE(ParseTraceparent(With("00", "03"))->sampled);
  EXPECT_TRUE(ParseTraceparent(With("00", "ff"))->sampled);
  EXPECT_FALSE(ParseTraceparent(With("00", "02"))->sampled);
  EXPECT_EQ(Traceparent(*ParseTraceparent(With("00", "00"))), With("00", "00"));
}

TEST(TraceContextTest, LaterVersionsMayHaveMoreFields) {
  EXPECT_TRUE(ParseTraceparent(With("cc", "01")));
  EXPECT_TRUE(ParseTraceparent(With("cc", "01") + "-what-the-future-will-be-like"));
  EXPECT_FALSE(ParseTraceparent(With("cc", "01") + ".what"));
  EXPECT_FALSE(ParseTraceparent(With("00", "01") + "-what"));
}

TEST(TraceContextTest, InvalidTraceparentsAreRefused) {
  for (const std::string& wrong :
       {std::string(), With("ff", "01"), With("0F", "01"), With("00", "0G"), With("00", "1"),
        With("00", "01") + " ", "00-" + std::string(32, '0') + "-" + kSpan + "-01",
        "00-" + kTrace + "-" + std::string(16, '0') + "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" + kSpan + "-01",
        "00_" + kTrace + "-" + kSpan + "-01", "00-" + kTrace + "_" + kSpan + "-01",
        "00-" + kTrace + "-" + kSpan + "_01", kTrace}) {
    EXPECT_FALSE(ParseTraceparent(wrong)) << wrong;
  }
}

TEST(TraceContextTest, AnInvalidTracestateIsDropped) {
  EXPECT_THAT(ParseTraceparent(With("00", "01"), "no equals sign"),
              Optional(TraceContext{kTrace, kSpan, true, ""}));
}

TEST(TraceContextTest, ATracestateIsAListOfMembers) {
  std::string most = "k0=v", too_many;
  for (int i = 1; i < 32; ++i) most += ",k" + std::to_string(i) + "=v";
  too_many = most + ",k32=v";
  for (const std::string& good : {std::string("a=b"), std::string("a=b , c=d e"),
                                  std::string("a=b,,c=d"), std::string("tenant@vendor=1"),
                                  std::string("0a_-*/=!"), most, "a=" + std::string(256, 'v')}) {
    EXPECT_TRUE(IsTracestate(good)) << good;
  }
  for (const std::string& wrong :
       {std::string(), std::string(","), std::string("a"), std::string("a="), std::string("=b"),
        std::string("A=b"), std::string("a=b=c"), std::string("a=b,a=c"), std::string("a@b@c=d"),
        std::string("a@=d"), std::string("a=\n"), std::string("a=\xc3\xa4"), too_many,
        "a=" + std::string(257, 'v'), std::string(257, 'a') + "=b",
        "a=" + std::string(256, 'v') + ",b=" + std::string(256, 'v')}) {
    EXPECT_FALSE(IsTracestate(wrong)) << wrong;
  }
}

TEST(TraceContextTest, NewIdsAreValidAndChildrenStayInTheTrace) {
  const TraceContext made = NewTrace();
  EXPECT_THAT(ParseTraceparent(Traceparent(made)), Optional(made));
  const TraceContext child = ChildOf({kTrace, kSpan, false, "a=b"});
  EXPECT_EQ(child.trace_id, kTrace);
  EXPECT_NE(child.span_id, kSpan);
  EXPECT_THAT(child.span_id, MatchesRegex("[0-9a-f]{16}"));
  EXPECT_FALSE(child.sampled);
  EXPECT_EQ(child.tracestate, "a=b");
}

TEST(TraceContextTest, TheSpanIdOfANameIsConstant) {
  EXPECT_EQ(SpanIdFor("lease_1"), SpanIdFor("lease_1"));
  EXPECT_NE(SpanIdFor("lease_1"), SpanIdFor("lease_2"));
  EXPECT_THAT(SpanIdFor("lease_1"), MatchesRegex("[0-9a-f]{16}"));
}

}  // namespace
}  // namespace vico
