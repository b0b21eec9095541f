#include "common/log.h"

#include <sstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/ostream_sink.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

class LogTest : public testing::Test {
 protected:
  nlohmann::json OnlyLine() {
    const std::string text = out_.str();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    return nlohmann::json::parse(text);
  }

  std::ostringstream out_;
  const Log log_ = Log::ToSink("tester", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_));
};

TEST_F(LogTest, ARecordIsAJsonObjectWithItsFields) {
  log_.Warning("leased", {{"attempt", 2}, {"loss", 0.5}, {"last", true}, {"device", "cpu"}});

  const nlohmann::json line = OnlyLine();
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["program"], "tester");
  EXPECT_EQ(line["message"], "leased");
  EXPECT_EQ(line["attempt"], 2);
  EXPECT_EQ(line["loss"], 0.5);
  EXPECT_EQ(line["last"], true);
  EXPECT_EQ(line["device"], "cpu");
  EXPECT_THAT(std::string(line["time"]),
              testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z"));
}

TEST_F(LogTest, WithAddsFieldsToTheRecordsOfThatLog) {
  const Log of_job = log_.With({{"job", "jobs/1"}}).With({{"lease", "lease_2"}});
  of_job.Info("started");
  EXPECT_EQ(OnlyLine()["job"], "jobs/1");
  EXPECT_EQ(OnlyLine()["lease"], "lease_2");

  out_.str("");
  log_.Info("idle");
  EXPECT_FALSE(OnlyLine().contains("job"));
}

TEST_F(LogTest, AnyTextIsOneLineOfJson) {
  const std::string text = "a\"b\\c\nd\xff\x01{}%v";
  log_.Error(text, {{"k\"ey", text}});
  const nlohmann::json line = OnlyLine();
  EXPECT_THAT(std::string(line["message"]), testing::StartsWith("a\"b\\c\nd"));
  EXPECT_THAT(std::string(line["message"]), testing::EndsWith("{}%v"));
  EXPECT_TRUE(line.contains("k\"ey"));
}

TEST(LogLevelTest, AnUnknownLevelIsRefused) {
  EXPECT_THAT(Log::ToStderr("tester", "loud"), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Log::ToStderr("tester", "warning"), IsOk());
}

TEST(LogLevelTest, RecordsBelowTheLevelAreNotWritten) {
  testing::internal::CaptureStderr();
  const auto log = Log::ToStderr("tester", "warning");
  ASSERT_THAT(log, IsOk());
  log->Info("hidden");
  log->Warning("shown");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("hidden")));
  EXPECT_THAT(text, testing::HasSubstr("shown"));
}

}  // namespace
}  // namespace vico
