// Tests of the gate with a plain socket in gRPC's place.
#include "server/gate/gate.h"

#include <array>
#include <mutex>
#include <vector>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "server/gate/peer_name.h"
#include "tests/server/gate/frames.h"
#include "tests/server/net/sockets.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using std::chrono::milliseconds;

constexpr int kListening = 7;

class GateTest : public testing::Test {
 protected:
  GateTest() {
    auto gate = Gate::Start(
        nullptr,
        [this](int listening, Descriptor connection) {
          EXPECT_EQ(listening, kListening);
          const std::lock_guard lock(mutex_);
          handed_over_.push_back(std::move(connection));
        },
        Log::Off());
    EXPECT_THAT(gate, IsOk());
    gate_ = *std::move(gate);
  }

  /// The client's end of a connection that the gate has taken.
  Descriptor NewClient() {
    std::array<int, 2> pair{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()), 0);
    gate_->Admit(kListening, Descriptor(pair[0]));
    return Descriptor(pair[1]);
  }

  size_t handed_over() {
    const std::lock_guard lock(mutex_);
    return handed_over_.size();
  }
  /// gRPC's end of the only connection; waits for it.
  int server() {
    EXPECT_TRUE(Soon([&] { return handed_over() == 1; }));
    const std::lock_guard lock(mutex_);
    return handed_over_.front().number();
  }
  void CloseServer() {
    const std::lock_guard lock(mutex_);
    handed_over_.clear();
  }

  static void Send(int socket, std::string_view bytes) {
    ASSERT_EQ(send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  static std::string Receive(int socket, size_t size) {
    std::string got;
    EXPECT_TRUE(Soon([&] {
      std::array<char, 65536> bytes{};
      const ssize_t read =
          recv(socket, bytes.data(), std::min(bytes.size(), size - got.size()), MSG_DONTWAIT);
      if (read > 0) got.append(bytes.data(), static_cast<size_t>(read));
      return got.size() == size;
    }));
    return got;
  }

  std::mutex mutex_;
  std::vector<Descriptor> handed_over_;
  std::unique_ptr<Gate> gate_;  // last: destroyed first
};

TEST_F(GateTest, BytesPassBothWays) {
  const Descriptor client = NewClient();
  const std::string hello = std::string(kHttp2Preface) + FrameOf(FrameType::kSettings, 0, 0);
  Send(client.number(), hello);
  EXPECT_EQ(Receive(server(), hello.size()), hello);
  const std::string answer = FrameOf(FrameType::kSettings, 0, 0) + FrameOf(FrameType::kData, 0, 1);
  Send(server(), answer);
  EXPECT_EQ(Receive(client.number(), answer.size()), answer);
}

TEST_F(GateTest, GrpcSeesAConnectionOnlyAfterItsPreface) {
  const Descriptor client = NewClient();
  Send(client.number(), kHttp2Preface.substr(0, 23));
  const Descriptor other = NewClient();
  Send(other.number(), kHttp2Preface);
  EXPECT_EQ(Receive(server(), 24), kHttp2Preface);
  EXPECT_EQ(handed_over(), 1u);
  Send(client.number(), kHttp2Preface.substr(23));
  EXPECT_TRUE(Soon([&] { return handed_over() == 2; }));
}

TEST_F(GateTest, OtherProtocolsAreClosedAtOnce) {
  const Descriptor client = NewClient();
  Send(client.number(), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(IsClosed(client, milliseconds(5000)));
  EXPECT_EQ(handed_over(), 0u);
}

TEST_F(GateTest, AFloodEndsWithGoAwayAndTheServersSideIsClosed) {
  const Descriptor client = NewClient();
  Send(client.number(), kHttp2Preface);
  const int inside = server();
  std::string flood;
  for (int i = 0; i < 2000; ++i) flood += FrameOf(FrameType::kPing, 0, 0, "12345678");
  Send(client.number(), flood);
  const std::string goaway = Receive(client.number(), 17);
  EXPECT_EQ(static_cast<FrameType>(goaway[3]), FrameType::kGoAway);
  EXPECT_EQ(goaway[16], 0xb);
  EXPECT_TRUE(Soon([&] {
    std::array<char, 4096> bytes{};
    return recv(inside, bytes.data(), bytes.size(), MSG_DONTWAIT) == 0;
  }));
  EXPECT_TRUE(IsClosed(client, milliseconds(5000)));
  EXPECT_EQ(gate_->floods(), 1u);
}

TEST_F(GateTest, AfterAFloodTheNextConnectionsOfThePeerMaySendLessAtOnce) {
  std::string pings(kHttp2Preface);
  for (int i = 0; i < 50; ++i) pings += FrameOf(FrameType::kPing, 0, 0, "12345678");
  const Descriptor before = NewClient();
  Send(before.number(), pings);
  EXPECT_EQ(Receive(server(), pings.size()), pings);
  EXPECT_EQ(gate_->floods(), 0u);
  for (int i = 0; i < 3; ++i) Send(before.number(), pings.substr(kHttp2Preface.size()));
  ASSERT_TRUE(Soon([&] { return gate_->floods() == 1; }));
  const Descriptor next = NewClient();
  Send(next.number(), pings);
  EXPECT_TRUE(Soon([&] { return gate_->floods() == 2; }));
}

TEST(FloodersTest, APeerIsForgottenAfterAWhile) {
  Flooders flooders;
  const Flooders::Time now{std::chrono::hours(1)};
  EXPECT_FALSE(flooders.Has("203.0.113.7", now));
  flooders.Add("203.0.113.7", now);
  EXPECT_TRUE(flooders.Has("203.0.113.7", now + Flooders::kMemory));
  EXPECT_FALSE(flooders.Has("203.0.113.8", now));
  EXPECT_FALSE(flooders.Has("203.0.113.7", now + Flooders::kMemory + milliseconds(1)));
}

TEST_F(GateTest, AClientThatDoesNotReadHoldsUpTheServerAndLosesNothing) {
  const Descriptor client = NewClient();
  Send(client.number(), kHttp2Preface);
  const int inside = server();
  std::string sent;
  for (uint32_t i = 0;; ++i) {
    const std::string frame = FrameOf(FrameType::kData, 0, 1, std::string(8192, 'a' + i % 26));
    const ssize_t written = send(inside, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written > 0) sent.append(frame, 0, static_cast<size_t>(written));
    if (written == static_cast<ssize_t>(frame.size())) continue;
    // The gate may still make room; it is full when nothing moves for a while.
    pollfd room{inside, POLLOUT, 0};
    if (poll(&room, 1, 300) == 0 || written > 0) break;
  }
  EXPECT_LT(sent.size(), 2u << 20);
  EXPECT_EQ(Receive(client.number(), sent.size()), sent);
}

TEST_F(GateTest, AServerThatDoesNotReadHoldsUpTheClientAndLosesNothing) {
  const Descriptor client = NewClient();
  Send(client.number(), kHttp2Preface);
  const int inside = server();
  std::string sent(kHttp2Preface);
  while (true) {
    const std::string frame = FrameOf(FrameType::kData, 0, 1, std::string(8192, 'u'));
    const ssize_t written =
        send(client.number(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written > 0) sent.append(frame, 0, static_cast<size_t>(written));
    if (written == static_cast<ssize_t>(frame.size())) continue;
    pollfd room{client.number(), POLLOUT, 0};
    if (poll(&room, 1, 300) == 0 || written > 0) break;
  }
  EXPECT_LT(sent.size(), 2u << 20);
  EXPECT_EQ(Receive(inside, sent.size()), sent);
}

TEST_F(GateTest, TheEndOfEitherSideEndsTheOther) {
  Descriptor client = NewClient();
  Send(client.number(), kHttp2Preface);
  Receive(server(), 24);
  CloseServer();
  EXPECT_TRUE(IsClosed(client, milliseconds(5000)));

  client = NewClient();
  Send(client.number(), kHttp2Preface);
  const int inside = server();
  Receive(inside, 24);
  client.Close();
  EXPECT_TRUE(Soon([&] {
    char byte = 0;
    return recv(inside, &byte, 1, MSG_DONTWAIT) == 0;
  }));
}

TEST_F(GateTest, WhatTheServerSaidLastArrives) {
  const Descriptor client = NewClient();
  Send(client.number(), kHttp2Preface);
  Receive(server(), 24);
  const std::string last = FrameOf(FrameType::kData, 0, 1, std::string(100'000, 'l'));
  Send(server(), last);
  CloseServer();
  EXPECT_EQ(Receive(client.number(), last.size()), last);
  EXPECT_TRUE(IsClosed(client, milliseconds(5000)));
}

TEST_F(GateTest, WhatTheServerSaidLastArrivesThoughItLeftSomethingUnread) {
  const Descriptor client = NewClient();
  Send(client.number(), kHttp2Preface);
  const int inside = server();
  Receive(inside, 24);
  Send(client.number(), FrameOf(FrameType::kData, 0, 1, "unread"));
  EXPECT_TRUE(Soon([&] {
    char byte = 0;
    return recv(inside, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
  }));
  // More than the client's end takes, so that the gate holds some of it and has not read the rest.
  const std::string last = FrameOf(FrameType::kData, 0, 1, std::string(300'000, 'l'));
  std::string_view rest = last;
  EXPECT_TRUE(Soon([&] {
    const ssize_t sent = send(inside, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) rest.remove_prefix(static_cast<size_t>(sent));
    return rest.empty();
  }));
  CloseServer();
  // gRPC's end takes nothing more.
  Send(client.number(), FrameOf(FrameType::kData, 0, 1, "late"));
  EXPECT_EQ(Receive(client.number(), last.size()), last);
  EXPECT_TRUE(IsClosed(client, milliseconds(5000)));
}

TEST_F(GateTest, StopClosesEverything) {
  const Descriptor silent = NewClient();
  const Descriptor client = NewClient();
  Send(client.number(), kHttp2Preface);
  Receive(server(), 24);
  gate_->Stop();
  EXPECT_TRUE(IsClosed(silent, milliseconds(1000)));
  EXPECT_TRUE(IsClosed(client, milliseconds(1000)));
}

TEST(PeerNameTest, TheNameOfAnEndIsThePeerThatTheOtherEndSees) {
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  const Descriptor one(pair[0]);
  const Descriptor other(pair[1]);
  NameAfterPeer(one.number(), "ipv4:203.0.113.7:4242");
  sockaddr_un address{};
  socklen_t size = sizeof(address);
  ASSERT_EQ(getpeername(other.number(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string seen(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
  EXPECT_EQ(PeerOfCall("unix-abstract:" + seen), "ipv4:203.0.113.7:4242");
}

TEST(PeerNameTest, AConnectionOfTheWorkersListenerHasItsPeerItself) {
  EXPECT_EQ(PeerOfCall("ipv4:203.0.113.7:4242"), "ipv4:203.0.113.7:4242");
  EXPECT_EQ(PeerOfCall("unix:"), "unix:");
}

}  // namespace
}  // namespace vico::server
