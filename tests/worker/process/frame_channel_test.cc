#include "worker/process/frame_channel.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/status_matchers.h"
#include "vico/engine/v1/engine.pb.h"

namespace vico::worker {
namespace {

class FrameChannelTest : public testing::Test {
 protected:
  FrameChannelTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets_), 0);
    channel_ = std::make_unique<FrameChannel>(sockets_[0]);
  }
  ~FrameChannelTest() override { CloseOther(); }
  void CloseOther() {
    if (sockets_[1] >= 0) close(sockets_[1]);
    sockets_[1] = -1;
  }
  void WriteRaw(const std::string& bytes) {
    ASSERT_EQ(write(sockets_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  int sockets_[2] = {-1, -1};
  std::unique_ptr<FrameChannel> channel_;
  engine::v1::Answer answer_;
};

TEST_F(FrameChannelTest, AMessageLargerThanTheSocketsBufferArrivesComplete) {
  FrameChannel other(std::exchange(sockets_[1], -1));
  engine::v1::Answer sent;
  for (size_t i = 0; i < (8u << 20); ++i) sent.mutable_bytes()->push_back(static_cast<char>(i * 7));
  std::thread sender([&] { EXPECT_THAT(other.Send(sent), IsOk()); });
  ASSERT_THAT(channel_->Receive(answer_), IsOk());
  sender.join();
  EXPECT_EQ(answer_.bytes(), sent.bytes());
  EXPECT_THAT(other.Send(engine::v1::Answer()), IsOk());  // an empty message
  EXPECT_THAT(channel_->Receive(answer_), IsOk());
  EXPECT_TRUE(answer_.bytes().empty());
}

TEST_F(FrameChannelTest, AClosedEndIsUnavailable) {
  WriteRaw(std::string(5, '\x01'));  // the header ends early
  CloseOther();
  EXPECT_THAT(channel_->Receive(answer_), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(channel_->Send(answer_), HasCode(absl::StatusCode::kUnavailable));
}

/// The most memory that the process has had so far, in KiB.
long MostMemory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST_F(FrameChannelTest, AnAnnouncedLengthCostsNoMemoryBeforeTheBytesArrive) {
  const long before = MostMemory();
  WriteRaw(std::string("\xff\xff\xff\x7f\0\0\0\0", 8));  // 2 GiB
  CloseOther();
  EXPECT_THAT(channel_->Receive(answer_), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_LT(MostMemory() - before, 64 << 10);
}

TEST_F(FrameChannelTest, AReceiveWithoutDataTimesOut) {
  EXPECT_THAT(channel_->Receive(answer_, absl::Milliseconds(500)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
  WriteRaw(std::string("\x04\0\0\0\0\0\0\0ab", 10));  // half a frame
  EXPECT_THAT(channel_->Receive(answer_, absl::Milliseconds(500)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(FrameChannelTest, ASendThatNobodyReadsTimesOut) {
  answer_.set_bytes(std::string(8 << 20, 'a'));  // more than the socket's buffer
  EXPECT_THAT(channel_->Send(answer_, absl::Milliseconds(500)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(FrameChannelTest, AShutdownEndsThoseThatWait) {
  answer_.set_bytes(std::string(8 << 20, 'a'));
  std::thread sender(
      [&] { EXPECT_THAT(channel_->Send(answer_), HasCode(absl::StatusCode::kUnavailable)); });
  std::thread receiver([&] {
    engine::v1::Answer received;
    EXPECT_THAT(channel_->Receive(received), HasCode(absl::StatusCode::kUnavailable));
  });
  channel_->Shutdown();
  sender.join();
  receiver.join();
}

TEST_F(FrameChannelTest, AnInvalidFrameIsDataLoss) {
  WriteRaw(std::string(8, '\xff'));
  EXPECT_THAT(channel_->Receive(answer_), HasCode(absl::StatusCode::kDataLoss));
  WriteRaw(std::string("\x02\0\0\0\0\0\0\0\xff\xff", 10));
  EXPECT_THAT(channel_->Receive(answer_), HasCode(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace vico::worker
