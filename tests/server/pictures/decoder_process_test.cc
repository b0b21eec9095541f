#include "server/pictures/decoder_process.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include "server/pictures/decoder/helper.h"
#include "server/pictures/intake.h"
#include "tests/server/pictures/decoders.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr auto kRefused = absl::StatusCode::kInvalidArgument;

ScannedPicture Job(const std::string& trick) {
  ScannedPicture job;
  job.width = 64;
  job.height = 64;
  job.stripped = trick;
  return job;
}

/// Tests of DecoderProcess with a malicious decoder.
class TricksTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!kCanConfine) GTEST_SKIP() << "a sanitizer's process cannot be confined";
    auto decoder = DecoderProcess::Start(
        {.program = VICO_TRICK_DECODER_BINARY, .time_limit = absl::Seconds(3)},
        Log::ToSink("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)));
    ASSERT_THAT(decoder, IsOk());
    decoder_ = *std::move(decoder);
  }

  absl::StatusOr<Pixels> Play(const std::string& trick) { return decoder_->Decode(Job(trick)); }

  std::ostringstream log_;
  std::unique_ptr<DecoderProcess> decoder_;
};

TEST_F(TricksTest, AnHonestDecoderReturnsPixels) {
  const auto pixels = Play("none");
  ASSERT_THAT(pixels, IsOk());
  EXPECT_EQ(pixels->bgr, std::vector<uint8_t>(size_t{64} * 64 * 3, 7));
}

TEST_F(TricksTest, ForbiddenSystemCallsKillTheDecoder) {
  for (const char* trick :
       {"open", "create", "socket", "fork", "exec", "ptrace", "kill", "code", "stderr", "close"}) {
    log_.str("");
    EXPECT_THAT(Play(trick), HasCode(kRefused)) << trick;
    EXPECT_THAT(log_.str(), HasSubstr(R"("signal":"SYS")")) << trick;
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/vico-trick"));
  EXPECT_THAT(Play("none"), IsOk());
}

TEST_F(TricksTest, ACrashIsAnErrorOfOnePictureOnly) {
  for (const auto& [trick, signal] :
       {std::pair{"crash", "SEGV"}, {"trap", "signal"}, {"abort", "SYS"}}) {
    log_.str("");
    const auto pixels = Play(trick);
    EXPECT_THAT(pixels, HasCode(kRefused)) << trick;
    EXPECT_THAT(pixels, HasMessage(HasSubstr("did not survive"))) << trick;
    EXPECT_THAT(log_.str(), HasSubstr(signal)) << trick;
    EXPECT_THAT(Play("none"), IsOk());
  }
}

TEST_F(TricksTest, AHangEndsAtTheTimeLimit) {
  const auto began = steady_clock::now();
  EXPECT_THAT(Play("wait"), HasMessage(HasSubstr("takes longer")));
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(30));
  EXPECT_THAT(Play("none"), IsOk());
}

TEST_F(TricksTest, MemoryIsLimited) {
  EXPECT_THAT(Play("much"), HasMessage(HasSubstr("more memory")));
  EXPECT_THAT(Play("enough"), IsOk());
}

TEST_F(TricksTest, AnAnswerThatDoesNotFitTheJobIsRefused) {
  for (const char* trick : {"longer", "shorter", "rubbish", "silent", "left"}) {
    const auto pixels = Play(trick);
    EXPECT_FALSE(pixels.ok()) << trick;
    EXPECT_THAT(Play("none"), IsOk()) << trick;
  }
}

TEST_F(TricksTest, EachPictureHasAProcessOfItsOwn) {
  auto slow = std::async(std::launch::async, [&] { return Play("wait"); });
  EXPECT_THAT(Play("none"), IsOk());
  EXPECT_THAT(Play("crash"), HasCode(kRefused));
  EXPECT_THAT(slow.get(), HasCode(kRefused));
}

TEST(DecoderProcessTest, ProcessorTimeIsLimited) {
  if (!kCanConfine) GTEST_SKIP() << "a sanitizer's process cannot be confined";
  const auto decoder = DecoderProcess::Start(
      {.program = VICO_TRICK_DECODER_BINARY, .time_limit = absl::Seconds(110)}, Log::Off());
  ASSERT_THAT(decoder, IsOk());
  EXPECT_THAT((*decoder)->Decode(Job("spin")), HasMessage(HasSubstr("processor time")));
}

TEST(DecoderProcessTest, AnotherProgramIsRefusedAtTheStart) {
  EXPECT_THAT(DecoderProcess::Start({.program = "/no/such/program"}, Log::Off()),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(DecoderProcess::Start({.program = "/bin/true"}, Log::Off()),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST(DecoderProcessTest, WithoutConfinementItStartsOnlyIfAllowed) {
  const TempFolder folder;
  const DecoderOptions options{.program = folder.path() + "/decoder"};
  // The exit of vico-decode on a kernel without seccomp.
  std::ofstream(options.program) << fmt::format("#!/bin/sh\nexit {}\n", kHelperCannotConfine);
  std::filesystem::permissions(options.program, std::filesystem::perms::owner_all);
  EXPECT_THAT(DecoderProcess::Start(options, Log::Off()), HasReason("DECODER_UNCONFINED"));
  EXPECT_THAT(DecoderProcess::Start(options, Log::Off()),
              HasMessage(HasSubstr("--allow-unconfined-decoding")));
  DecoderOptions unconfined{.program = VICO_DECODE_BINARY, .unconfined = true};
  const auto decoder = DecoderProcess::Start(unconfined, Log::Off());
  ASSERT_THAT(decoder, IsOk());
  EXPECT_THAT(NormalisePicture(Encoded(TestPicture(64, 64), ".png"), **decoder), IsOk());
}

TEST(DecoderProcessTest, ASanitizerBuildIsNotConfined) {
  if (kCanConfine) GTEST_SKIP() << "for builds with a sanitizer";
  EXPECT_THAT(DecoderProcess::Start({.program = VICO_DECODE_BINARY}, Log::Off()),
              HasReason("DECODER_UNCONFINED"));
}

}  // namespace
}  // namespace vico::server
