#include "common/tracing/otlp_headers.h"

#include <cstdlib>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

std::vector<std::pair<std::string, std::string>> Parsed(const std::string& text) {
  const auto headers = ParseOtlpHeaders(Sensitive(text));
  EXPECT_THAT(headers, IsOk()) << text;
  std::vector<std::pair<std::string, std::string>> revealed;
  if (!headers.ok()) return revealed;
  for (const auto& [name, value] : *headers) revealed.emplace_back(name, value.Reveal());
  return revealed;
}

TEST(OtlpHeadersTest, MembersAreSeparatedByCommas) {
  EXPECT_THAT(Parsed(""), IsEmpty());
  EXPECT_THAT(Parsed("api-key=1"), ElementsAre(Pair("api-key", "1")));
  EXPECT_THAT(Parsed(" a = 1 ,\tb=2,\n"), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(Parsed("Authorization=Basic dXNlcjpr=="),
              ElementsAre(Pair("Authorization", "Basic dXNlcjpr==")));
  EXPECT_THAT(Parsed("empty="), ElementsAre(Pair("empty", "")));
}

TEST(OtlpHeadersTest, ValuesArePercentDecoded) {
  EXPECT_THAT(Parsed("a=%20x%2Cy%2c%25,b=1%3D2"),
              ElementsAre(Pair("a", " x,y,%"), Pair("b", "1=2")));
}

TEST(OtlpHeadersTest, InvalidHeadersAreNamedByNumberNotByText) {
  for (const char* wrong :
       {"canary", "=canary", "can ary=1", "canary:=1", "a=canary%0d%0aHost: x", "a=can\nary",
        "a=canary%", "a=canary%2", "a=canary%zz", "a=canary\xc3\xa9", "content-type=canary",
        "Host=canary", "Content-Length=canary"}) {
    const auto headers = ParseOtlpHeaders(Sensitive(std::string("good=1,") + wrong));
    ASSERT_THAT(headers, HasCode(absl::StatusCode::kInvalidArgument)) << wrong;
    const std::string message(headers.status().message());
    EXPECT_THAT(message, HasSubstr("OTEL_EXPORTER_OTLP_HEADERS")) << wrong;
    EXPECT_THAT(message, HasSubstr("member 2")) << wrong;
    EXPECT_THAT(message, Not(HasSubstr("ary"))) << wrong;
  }
}

TEST(OtlpHeadersTest, TakingTheVariableRemovesIt) {
  setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=1", 1);
  EXPECT_EQ(TakeOtlpHeaders().Reveal(), "a=1");
  EXPECT_EQ(std::getenv("OTEL_EXPORTER_OTLP_HEADERS"), nullptr);
  EXPECT_TRUE(TakeOtlpHeaders().empty());
}

}  // namespace
}  // namespace vico
