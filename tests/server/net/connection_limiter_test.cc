#include "server/net/connection_limiter.h"

#include <vector>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/gate/descriptor.h"

namespace vico::server {
namespace {

using testing::Eq;
using testing::Optional;

const Peer kOne{"203.0.113.1", false};
const Peer kOther{"203.0.113.2", false};
const Peer kThisMachine{"127.0.0.1", true};

Descriptor NewSocket() { return Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

class ConnectionLimiterTest : public testing::Test {
 protected:
  std::optional<Refusal> Admit(ConnectionLimiter& limiter, const Peer& peer) {
    sockets_.push_back(NewSocket());
    return limiter.Admit(peer, sockets_.back().number(), now_);
  }

  /// Advances the time, so that Admit() sweeps again.
  void Later() { now_ += std::chrono::seconds(1); }

  std::vector<Descriptor> sockets_;
  ConnectionLimiter::Time now_{std::chrono::hours(1)};
};

TEST_F(ConnectionLimiterTest, EachPeerIsLimited) {
  ConnectionLimiter limiter({.per_peer = 2, .total = 10});
  EXPECT_EQ(Admit(limiter, kOne), std::nullopt);
  EXPECT_EQ(Admit(limiter, kOne), std::nullopt);
  EXPECT_THAT(Admit(limiter, kOne), Optional(Eq(Refusal::kPeer)));
  EXPECT_EQ(Admit(limiter, kOther), std::nullopt);
  EXPECT_EQ(limiter.open(), 3u);
  EXPECT_EQ(limiter.open(kOne.name), 2u);
}

TEST_F(ConnectionLimiterTest, AllPeersTogetherAreLimited) {
  ConnectionLimiter limiter({.per_peer = 2, .total = 3});
  for (const Peer& peer : {kOne, kOther, kOne}) EXPECT_EQ(Admit(limiter, peer), std::nullopt);
  EXPECT_THAT(Admit(limiter, kOther), Optional(Eq(Refusal::kTotal)));
}

TEST_F(ConnectionLimiterTest, AClosedConnectionMakesRoom) {
  ConnectionLimiter limiter({.per_peer = 1, .total = 10});
  EXPECT_EQ(Admit(limiter, kOne), std::nullopt);
  EXPECT_THAT(Admit(limiter, kOne), Optional(Eq(Refusal::kPeer)));
  sockets_.clear();
  Later();
  EXPECT_EQ(Admit(limiter, kOne), std::nullopt);
  EXPECT_EQ(limiter.open(), 1u);
}

TEST_F(ConnectionLimiterTest, AReusedDescriptorDoesNotCountAsTheOldConnection) {
  ConnectionLimiter limiter({.per_peer = 5, .total = 10});
  EXPECT_EQ(Admit(limiter, kOne), std::nullopt);
  EXPECT_EQ(Admit(limiter, kOne), std::nullopt);
  const Descriptor fresh = NewSocket();
  dup2(fresh.number(), sockets_[0].number());  // another socket
  dup2(STDERR_FILENO, sockets_[1].number());   // not a socket
  limiter.Sweep(now_);
  EXPECT_EQ(limiter.open(), 0u);
  EXPECT_EQ(limiter.open(kOne.name), 0u);
}

TEST_F(ConnectionLimiterTest, RepeatedRefusalsDoNotSweepEachTime) {
  ConnectionLimiter limiter({.per_peer = 1, .total = 10});
  EXPECT_EQ(Admit(limiter, kOne), std::nullopt);
  EXPECT_THAT(Admit(limiter, kOne), Optional(Eq(Refusal::kPeer)));
  const auto swept = limiter.swept();
  now_ += std::chrono::milliseconds(10);
  EXPECT_THAT(Admit(limiter, kOne), Optional(Eq(Refusal::kPeer)));
  EXPECT_EQ(limiter.swept(), swept);
  Later();
  EXPECT_THAT(Admit(limiter, kOne), Optional(Eq(Refusal::kPeer)));
  EXPECT_EQ(limiter.swept(), now_);
}

TEST_F(ConnectionLimiterTest, LoopbackIsLimitedOnlyOnRequest) {
  ConnectionLimiter lenient({.per_peer = 1, .total = 3});
  EXPECT_EQ(Admit(lenient, kThisMachine), std::nullopt);
  EXPECT_EQ(Admit(lenient, kThisMachine), std::nullopt);
  ConnectionLimiter strict({.per_peer = 1, .total = 3, .loopback = true});
  EXPECT_EQ(Admit(strict, kThisMachine), std::nullopt);
  EXPECT_THAT(Admit(strict, kThisMachine), Optional(Eq(Refusal::kPeer)));
}

TEST_F(ConnectionLimiterTest, ZeroMeansNoLimit) {
  ConnectionLimiter limiter({.per_peer = 0, .total = 0, .loopback = true});
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Admit(limiter, kOne), std::nullopt);
  EXPECT_EQ(limiter.open(), 100u);
}

}  // namespace
}  // namespace vico::server
