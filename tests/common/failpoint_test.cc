#include "common/failpoint.h"

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace vico {
namespace {

using testing::HasSubstr;

Failpoints Armed(std::string_view spec, std::string hits_file = "") {
  auto armed = Failpoints::Parse(spec);
  EXPECT_TRUE(armed.ok()) << armed.status();
  return {*std::move(armed), std::move(hits_file)};
}

TEST(FailpointTest, AnErrorIsReturnedOnceAtItsHit) {
  Failpoints failpoints = Armed("a.b=error(RESOURCE_EXHAUSTED)@3");
  EXPECT_TRUE(failpoints.Hit("a.b").ok());
  EXPECT_TRUE(failpoints.Hit("a.b").ok());
  EXPECT_EQ(failpoints.Hit("a.b").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(failpoints.Hit("a.b").ok());
  EXPECT_TRUE(failpoints.Hit("other").ok());
}

TEST(FailpointTest, AppliedThenErrorIsUnavailable) {
  EXPECT_TRUE(absl::IsUnavailable(Armed("a=applied_then_error").Hit("a")));
}

TEST(FailpointTest, KillEndsTheProcessWithSigkill) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(Armed("a=kill9").Hit("a").IgnoreError(), testing::KilledBySignal(SIGKILL), "");
}

TEST(FailpointTest, TornWritesKeepTheFirstBytes) {
  Failpoints failpoints = Armed("a=torn(2)@2");
  EXPECT_EQ(failpoints.Tear("a", "whole"), "whole");
  EXPECT_EQ(failpoints.Tear("a", "whole"), "wh");
  EXPECT_EQ(failpoints.Tear("a", "whole"), "whole");
}

TEST(FailpointTest, TheHitsFileListsFailpointsAndActions) {
  const TempFolder folder;
  const std::string path = folder.path() + "/hits";
  Failpoints failpoints = Armed("a=sleep(1)@2;b=kill9", path);
  EXPECT_TRUE(failpoints.Hit("a").ok());
  EXPECT_TRUE(failpoints.Hit("c").ok());
  EXPECT_TRUE(failpoints.Hit("a").ok());
  std::ifstream file(path);
  const std::string hits{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(hits, "a\nc\na sleep(1)\n");
}

TEST(FailpointTest, AnActionRunsOnceAmongProcessesWithOneHitsFile) {
  const TempFolder folder;
  Failpoints first = Armed("a=error(INTERNAL);b=error(INTERNAL)", folder.path() + "/hits");
  Failpoints second = Armed("a=error(INTERNAL);b=error(INTERNAL)", folder.path() + "/hits");
  EXPECT_FALSE(first.Hit("a").ok());
  EXPECT_TRUE(second.Hit("a").ok());
  EXPECT_FALSE(second.Hit("b").ok());
}

TEST(FailpointTest, AnInvalidSpecIsRefused) {
  for (const char* spec : {"a", "a=", "=kill9", "a=explode", "a=error(NO_SUCH)", "a=sleep(x)",
                           "a=kill9@0", "a=torn(-1)", "a=kill9(1)", "a=@2"}) {
    const auto armed = Failpoints::Parse(spec);
    EXPECT_TRUE(absl::IsInvalidArgument(armed.status())) << spec;
    EXPECT_THAT(std::string(armed.status().message()), HasSubstr(spec));
  }
  EXPECT_TRUE(Failpoints::Parse("").ok());
}

}  // namespace
}  // namespace vico
