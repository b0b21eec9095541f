// Tests of what a client may make gRPC hold before a handler sees it.
#include "server/gate/unfinished_requests.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/server/gate/frames.h"

namespace vico::server {
namespace {

constexpr uint8_t kEnd = Frame::kEndStream;
constexpr uint8_t kPadded = 0x8;

std::string Number(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string Headers(uint32_t stream, uint8_t flags = 0) {
  return FrameOf(FrameType::kHeaders, flags | Frame::kEndHeaders, stream, "headers");
}

std::string Data(uint32_t stream, const std::string& payload, uint8_t flags = 0) {
  return FrameOf(FrameType::kData, flags, stream, payload);
}

std::string Head(uint32_t message_bytes) { return std::string(1, '\0') + Number(message_bytes, 4); }

class UnfinishedRequestsTest : public testing::Test {
 protected:
  static constexpr uint64_t kCall = UnfinishedRequests::kCallBytes;

  bool Accepts(const std::string& bytes) { return !requests_.FromClient(bytes, now_); }
  uint64_t held() const { return budget_.taken("peer") - kCall * calls_; }

  UnfinishedRequests::Time now_{};
  Shares budget_{4 << 20};
  UnfinishedRequests requests_{budget_, "peer", 0};
  uint64_t calls_ = 1;
};

TEST_F(UnfinishedRequestsTest, AMessageCountsUntilTheServerEndsItsCall) {
  EXPECT_TRUE(Accepts(Headers(1)));
  EXPECT_TRUE(Accepts(Data(1, Head(100) + std::string(60, 'x'))));
  EXPECT_EQ(held(), 60u);
  EXPECT_TRUE(Accepts(Data(1, std::string(40, 'x'), kEnd)));
  EXPECT_EQ(held(), 100u) << "its handler may not have run yet";
  requests_.FromServer(Headers(1) + Data(1, "answer") + Headers(1, kEnd));
  EXPECT_EQ(budget_.taken(), 0u);
}

TEST_F(UnfinishedRequestsTest, TheNextMessageOfAnUploadReplacesTheOneBefore) {
  EXPECT_TRUE(Accepts(Headers(1)));
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(Accepts(Data(1, Head(60'000) + std::string(60'000, 'x'))));
  EXPECT_EQ(held(), 60'000u);
}

TEST_F(UnfinishedRequestsTest, AResetReturnsWhatTheCallHeld) {
  EXPECT_TRUE(Accepts(Headers(1) + Data(1, Head(100) + "part")));
  EXPECT_TRUE(Accepts(FrameOf(FrameType::kResetStream, 0, 1, Number(8, 4))));
  EXPECT_EQ(budget_.taken(), 0u);
  EXPECT_TRUE(Accepts(Headers(3) + Data(3, Head(100) + "part")));
  requests_.FromServer(FrameOf(FrameType::kResetStream, 0, 3, Number(8, 4)));
  EXPECT_EQ(budget_.taken(), 0u);
  EXPECT_TRUE(Accepts(Data(3, std::string(1000, 'x')) + Headers(3, kEnd))) << "still under way";
  EXPECT_EQ(budget_.taken(), 0u);
}

TEST_F(UnfinishedRequestsTest, BytesAreCountedHoweverTheyAreCut) {
  const std::string all =
      Headers(1) + Data(1, Head(10) + "0123") + Data(1, "456") +
      Data(1, std::string("\x05", 1) + "789" + Head(20) + "ab" + "pad..", kPadded);
  for (const char byte : all) EXPECT_TRUE(Accepts(std::string(1, byte)));
  EXPECT_EQ(held(), 2u) << "of the second message; padding counts nothing";
}

TEST_F(UnfinishedRequestsTest, APeerThatHoldsTooMuchIsNamed) {
  bool accepted = true;
  for (uint32_t stream = 1; accepted && stream < 400; stream += 2) {
    accepted = Accepts(Headers(stream) + Data(stream, Head(30'000) + std::string(29'999, 'x')));
  }
  EXPECT_FALSE(accepted);
  EXPECT_LE(budget_.taken("peer"), 2u << 20) << "half of all";
  UnfinishedRequests other(budget_, "other", 0);
  EXPECT_FALSE(other.FromClient(Headers(1) + Data(1, Head(9) + "part"), now_));
}

TEST_F(UnfinishedRequestsTest, CallsWithoutAMessageCountToo) {
  bool accepted = true;
  uint32_t stream = 1;
  for (; accepted && stream < 2000; stream += 2) accepted = Accepts(Headers(stream));
  EXPECT_FALSE(accepted);
  EXPECT_NEAR(stream / 2.0, (2 << 20) / kCall, 2);
}

TEST_F(UnfinishedRequestsTest, AStreamOfAnEvenNumberHidesNoCalls) {
  EXPECT_TRUE(Accepts(Headers(0x7ffffffe) + Data(0x7ffffffe, Head(9) + "part")));
  EXPECT_EQ(budget_.taken(), 0u) << "gRPC ignores it";
  EXPECT_TRUE(Accepts(Headers(1) + Data(1, Head(100) + "part")));
  EXPECT_EQ(held(), 4u);
}

TEST_F(UnfinishedRequestsTest, AMessageThatIsAnnouncedTooLongIsRefusedAtItsHead) {
  EXPECT_TRUE(Accepts(Headers(1) + Data(1, Head(UnfinishedRequests::kMostMessageBytes))));
  EXPECT_FALSE(Accepts(Headers(3) + Data(3, Head(UnfinishedRequests::kMostMessageBytes + 1))));
}

TEST_F(UnfinishedRequestsTest, EachMessageHasItsTime) {
  EXPECT_TRUE(Accepts(Headers(1)));
  now_ += UnfinishedRequests::kMessageTime;
  EXPECT_FALSE(requests_.Overdue(now_));
  EXPECT_TRUE(requests_.Overdue(now_ + std::chrono::seconds(1))) << "no message at all";
  EXPECT_TRUE(Accepts(Data(1, Head(3) + "abc")));
  EXPECT_FALSE(requests_.Overdue(now_ + std::chrono::hours(1))) << "the next one may take its time";
  EXPECT_TRUE(Accepts(Data(1, std::string(1, 0))));
  EXPECT_TRUE(requests_.Overdue(now_ + std::chrono::hours(1))) << "one byte of the next";
}

TEST_F(UnfinishedRequestsTest, AnUploadMayWaitForItsHandlerInsideItsNextMessage) {
  EXPECT_TRUE(Accepts(Headers(1) + Data(1, Head(3) + "abc" + Head(9) + "part")));
  EXPECT_FALSE(requests_.Overdue(now_ + std::chrono::seconds(120))) << "that of a whole upload";
  EXPECT_TRUE(requests_.Overdue(now_ + std::chrono::seconds(181)));
  EXPECT_TRUE(Accepts(Data(1, std::string(5, 'x')) + Headers(3) + Data(3, Head(9) + "part")));
  EXPECT_TRUE(requests_.Overdue(now_ + std::chrono::seconds(61))) << "a first message";
}

TEST_F(UnfinishedRequestsTest, ACompleteRequestHasNoTimeLimit) {
  EXPECT_TRUE(Accepts(Headers(1, kEnd) + Headers(3) + Data(3, "", kEnd) + Headers(5) +
                      Data(5, Head(1) + "x", kEnd)));
  EXPECT_FALSE(requests_.Overdue(now_ + std::chrono::hours(1)));
}

TEST_F(UnfinishedRequestsTest, ARequestDoesNotEndInsideAMessage) {
  for (const std::string& cut :
       {Data(1, Head(3) + "ab", kEnd), Data(1, Head(3), kEnd), Data(1, Head(3).substr(0, 4), kEnd),
        Data(1, Head(3) + "ab") + Data(1, "", kEnd),
        Data(1, Head(3) + "abc" + Head(9) + "x", kEnd)}) {
    UnfinishedRequests requests(budget_, "other");
    EXPECT_FALSE(requests.FromClient(Headers(1), now_));
    EXPECT_TRUE(requests.FromClient(cut, now_));
  }
  EXPECT_TRUE(Accepts(Headers(1) + Data(1, Head(3) + "abc", kEnd)));
}

TEST_F(UnfinishedRequestsTest, SmallCallsGoOnWhileAnotherConnectionTakesAll) {
  const std::string part(1000, 'x');
  uint32_t stream = 1;
  while (Accepts(Headers(stream) + Data(stream, Head(2000) + part))) stream += 2;
  UnfinishedRequests small(budget_, "peer");
  EXPECT_FALSE(small.FromClient(Headers(1) + Data(1, Head(1000) + part), now_));
  small.FromServer(Headers(1, kEnd));
  EXPECT_FALSE(small.FromClient(Headers(3) + Data(3, Head(1000) + part), now_));
  const std::string large(200'000, 'x');
  EXPECT_FALSE(small.FromClient(Headers(5) + Data(5, Head(900'000) + large), now_));
  EXPECT_TRUE(small.FromClient(Data(5, large), now_)) << "beyond what each may hold";
}

TEST_F(UnfinishedRequestsTest, AClosedConnectionReturnsEverything) {
  {
    UnfinishedRequests closed(budget_, "other", 0);
    EXPECT_FALSE(closed.FromClient(Headers(1) + Data(1, Head(9) + "part"), now_));
    EXPECT_EQ(budget_.taken(), kCall + 4);
  }
  EXPECT_EQ(budget_.taken(), 0u);
}

}  // namespace
}  // namespace vico::server
