#include "server/gate/frame_limits.h"

#include <string>

#include <gmock/gmock.h>

#include "tests/server/gate/frames.h"

namespace vico::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Optional;

class FrameLimitsTest : public testing::Test {
 protected:
  FrameLimits::Flood Client(const std::string& bytes) { return limits_.FromClient(bytes, now_); }
  FrameLimits::Flood Server(const std::string& bytes) { return limits_.FromServer(bytes, now_); }

  /// How many times `bytes` pass, at most `most`.
  int Passes(const std::string& bytes, int most = 100'000) {
    for (int i = 0; i < most; ++i) {
      if (Client(bytes)) return i;
    }
    return most;
  }

  std::string Opened(uint32_t stream) {
    return FrameOf(FrameType::kHeaders, Frame::kEndHeaders, stream, "headers");
  }

  FrameLimits::Time now_{seconds(1000)};
  FrameLimits limits_{now_};
};

TEST_F(FrameLimitsTest, CallsInOrderPassForEver) {
  for (uint32_t stream = 1; stream < 40'000; stream += 2) {
    ASSERT_EQ(Client(Opened(stream) + FrameOf(FrameType::kData, 0, stream, "small") +
                     FrameOf(FrameType::kData, Frame::kEndStream, stream)),
              std::nullopt);
    ASSERT_EQ(Server(FrameOf(FrameType::kHeaders, Frame::kEndHeaders, stream) +
                     FrameOf(FrameType::kData, 0, stream, "empty") +
                     FrameOf(FrameType::kHeaders, 5, stream)),
              std::nullopt);
    // What a client on a fast network sends for one answer.
    ASSERT_EQ(Client(FrameOf(FrameType::kPing, 0, 0, "12345678") +
                     FrameOf(FrameType::kWindowUpdate, 0, 0, "abcd") +
                     FrameOf(FrameType::kWindowUpdate, 0, stream, "abcd")),
              std::nullopt)
        << stream;
  }
}

TEST_F(FrameLimitsTest, AnUploadPassesInAnyPieces) {
  ASSERT_EQ(Client(Opened(1)), std::nullopt);
  const std::string upload = FrameOf(FrameType::kData, 0, 1, std::string(16384, 'u')) +
                             FrameOf(FrameType::kData, 0, 1, std::string(100, 'u'));
  for (int i = 0; i < 2000; ++i) {
    for (size_t at = 0; at < upload.size(); at += 7919) {
      ASSERT_EQ(Client(upload.substr(at, 7919)), std::nullopt) << i;
    }
  }
}

TEST_F(FrameLimitsTest, AWatchOfManyEventsPasses) {
  ASSERT_EQ(Client(Opened(1)), std::nullopt);
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(Server(FrameOf(FrameType::kData, 0, 1, std::string(200, 'e'))), std::nullopt);
    ASSERT_EQ(Client(FrameOf(FrameType::kPing, 0, 0, "12345678") +
                     FrameOf(FrameType::kWindowUpdate, 0, 0, "abcd") +
                     FrameOf(FrameType::kWindowUpdate, 0, 1, "abcd")),
              std::nullopt)
        << i;
  }
}

TEST_F(FrameLimitsTest, ADownloadPassesAfterAFloodOfAnotherClientAtTheAddress) {
  limits_ = FrameLimits(now_, true);
  const std::string settings = FrameOf(FrameType::kSettings, 0, 0);
  ASSERT_EQ(Client(settings + Opened(1)), std::nullopt);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(Server(FrameOf(FrameType::kData, 0, 1, std::string(16384, 'd'))), std::nullopt);
    // gRPC measures the bandwidth, and changes its windows by what it finds.
    ASSERT_EQ(Client(FrameOf(FrameType::kPing, 0, 0, "12345678")), std::nullopt) << i;
    ASSERT_EQ(Server(FrameOf(FrameType::kPing, Frame::kAck, 0, "12345678")), std::nullopt);
    ASSERT_EQ(Client(settings + FrameOf(FrameType::kWindowUpdate, 0, 0, "abcd")), std::nullopt)
        << i;
  }
  EXPECT_LE(Passes(settings), 5) << "without a measurement";
}

TEST_F(FrameLimitsTest, AnswersInPiecesOfAByteEarnNothing) {
  ASSERT_EQ(Client(Opened(1)), std::nullopt);
  int passed = 0;
  while (!Client(FrameOf(FrameType::kWindowUpdate, 0, 1, "abcd")) && passed < 100'000) {
    ASSERT_EQ(Server(FrameOf(FrameType::kData, 0, 1, "d")), std::nullopt);
    ++passed;
  }
  EXPECT_LE(passed, 2000);
}

struct Case {
  const char* name;
  std::string frame;
  int least;  ///< that pass in a moment
  int most;
};

class FloodTest : public FrameLimitsTest, public testing::WithParamInterface<Case> {};

TEST_P(FloodTest, EndsAfterItsBurstWhichFillsAgain) {
  ASSERT_EQ(Client(Opened(1)), std::nullopt);
  EXPECT_EQ(Passes(GetParam().frame, GetParam().least), GetParam().least);
  now_ += seconds(1000);
  const int passed = Passes(GetParam().frame);
  EXPECT_GE(passed, GetParam().least);
  EXPECT_LE(passed, GetParam().most);
}

INSTANTIATE_TEST_SUITE_P(
    All, FloodTest,
    testing::Values(
        Case{"resets", FrameOf(FrameType::kResetStream, 0, 1, "code"), 100, 400},
        Case{"pings", FrameOf(FrameType::kPing, 0, 0, "12345678"), 50, 200},
        Case{"ping_answers", FrameOf(FrameType::kPing, Frame::kAck, 0, "12345678"), 50, 200},
        Case{"settings", FrameOf(FrameType::kSettings, 0, 0), 10, 50},
        Case{"settings_answers", FrameOf(FrameType::kSettings, Frame::kAck, 0), 10, 50},
        Case{"priorities", FrameOf(FrameType::kPriority, 0, 1, "12345"), 100, 500},
        Case{"empty_data", FrameOf(FrameType::kData, 0, 1), 500, 2000},
        Case{"data_of_a_byte", FrameOf(FrameType::kData, 0, 1, "x"), 500, 2000},
        Case{"window_updates", FrameOf(FrameType::kWindowUpdate, 0, 0, "abcd"), 500, 2000},
        Case{"headers_again", FrameOf(FrameType::kHeaders, Frame::kEndHeaders, 1), 10, 50},
        Case{"headers_of_even_numbers", FrameOf(FrameType::kHeaders, Frame::kEndHeaders, 2), 10,
             50},
        Case{"unknown", FrameOf(static_cast<FrameType>(77), 0, 0, "?"), 10, 50},
        Case{"goaway", FrameOf(FrameType::kGoAway, 0, 0, "12345678"), 10, 50},
        Case{"push", FrameOf(FrameType::kPushPromise, Frame::kEndHeaders, 1, "1234"), 0, 0}),
    [](const auto& info) { return info.param.name; });

TEST_F(FrameLimitsTest, AClientWhoseConnectionsFloodedMaySendATenthAtOnce) {
  const std::string ping = FrameOf(FrameType::kPing, 0, 0, "12345678");
  const int usual = Passes(ping);
  limits_ = FrameLimits(now_, true);
  EXPECT_EQ(Passes(ping), usual / 10);
  limits_ = FrameLimits(now_, true);
  EXPECT_GE(Passes(FrameOf(FrameType::kSettings, 0, 0)), 5) << "it can begin a connection";
}

TEST_F(FrameLimitsTest, TheHeadersOfACallHaveALimitInBytesAndInFrames) {
  const std::string part = FrameOf(FrameType::kContinuation, 0, 1, std::string(8192, 'h'));
  ASSERT_EQ(Client(FrameOf(FrameType::kHeaders, 0, 1, "headers")), std::nullopt);
  EXPECT_LT(Passes(part), 5);

  limits_ = FrameLimits(now_);
  ASSERT_EQ(Client(FrameOf(FrameType::kHeaders, 0, 1, "headers")), std::nullopt);
  EXPECT_LE(Passes(FrameOf(FrameType::kContinuation, 0, 1)), FrameLimits::kMostContinuations);
}

TEST_F(FrameLimitsTest, HeadersInTwoFramesPass) {
  EXPECT_EQ(Client(FrameOf(FrameType::kHeaders, 0, 1, std::string(16384, 'h')) +
                   FrameOf(FrameType::kContinuation, Frame::kEndHeaders, 1, "h") +
                   FrameOf(FrameType::kData, Frame::kEndStream, 1, "d")),
            std::nullopt);
}

TEST_F(FrameLimitsTest, NothingMayInterruptAHeaderBlock) {
  for (const std::string& other : {FrameOf(FrameType::kPing, 0, 0, "12345678"), Opened(3),
                                   FrameOf(FrameType::kContinuation, Frame::kEndHeaders, 3)}) {
    limits_ = FrameLimits(now_);
    ASSERT_EQ(Client(FrameOf(FrameType::kHeaders, 0, 1, "headers")), std::nullopt);
    EXPECT_THAT(Client(other), Optional(std::string_view("frames out of order")));
  }
  limits_ = FrameLimits(now_);
  EXPECT_THAT(Client(FrameOf(FrameType::kContinuation, Frame::kEndHeaders, 1)),
              Optional(std::string_view("frames out of order")));
}

TEST_F(FrameLimitsTest, OpenStreamsHaveALimitWhetherOrNotTheClientKnowsIt) {
  uint32_t stream = 1;
  for (size_t i = 0; i < FrameLimits::kMostOpenStreams; ++i, stream += 2) {
    ASSERT_EQ(Client(Opened(stream)), std::nullopt) << i;
  }
  ASSERT_EQ(Server(FrameOf(FrameType::kHeaders, 5, 1)), std::nullopt);  // the answer to the first
  EXPECT_EQ(Client(Opened(stream)), std::nullopt);
  EXPECT_THAT(Client(Opened(stream + 2)), Optional(std::string_view("open streams")));
}

TEST_F(FrameLimitsTest, StreamsThatTheServerResetsForAnErrorCount) {
  const auto reset = [](uint32_t stream, char code) {
    return FrameOf(FrameType::kResetStream, 0, stream, std::string("\0\0\0", 3) + code);
  };
  uint32_t stream = 1;
  for (; stream < 20'001; stream += 2) {
    ASSERT_EQ(Client(Opened(stream)), std::nullopt);
    ASSERT_EQ(Server(reset(stream, 0)), std::nullopt) << "it only ends an upload early";
  }
  FrameLimits::Flood flood;
  int passed = 0;
  for (; !flood && passed < 20'000; ++passed, stream += 2) {
    ASSERT_EQ(Client(Opened(stream)), std::nullopt);
    flood = Server(reset(stream, 1));
  }
  EXPECT_LE(passed, 1000);
}

TEST_F(FrameLimitsTest, FramesOtherThanDataAreShort) {
  EXPECT_EQ(Client(FrameOf(FrameType::kData, 0, 1, std::string(1 << 20, 'd'))), std::nullopt);
  EXPECT_THAT(Client(FrameOf(FrameType::kHeaders, Frame::kEndHeaders, 1, std::string(16385, 'h'))),
              Optional(std::string_view("long frames")));
}

TEST_F(FrameLimitsTest, SettingsMustBeAcknowledged) {
  ASSERT_EQ(Server(FrameOf(FrameType::kSettings, 0, 0)), std::nullopt);
  now_ += FrameLimits::kSettingsTimeout;
  EXPECT_EQ(limits_.Overdue(now_), std::nullopt);
  now_ += milliseconds(1);
  EXPECT_NE(limits_.Overdue(now_), std::nullopt);
  EXPECT_EQ(Client(FrameOf(FrameType::kSettings, Frame::kAck, 0)), std::nullopt);
  EXPECT_EQ(limits_.Overdue(now_), std::nullopt);
}

TEST_F(FrameLimitsTest, TheServersFramesAreFollowedInAnyPieces) {
  const std::string frames = FrameOf(FrameType::kSettings, 0, 0, "123456") +
                             FrameOf(FrameType::kData, 0, 1, std::string(300, 'd'));
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(limits_.server_between_frames(), i == 0 || i == 15) << i;
    ASSERT_EQ(Server(frames.substr(i, 1)), std::nullopt);
  }
  EXPECT_TRUE(limits_.server_between_frames());
}

}  // namespace
}  // namespace vico::server
