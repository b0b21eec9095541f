#include "server/net/listening_sockets.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/server/net/sockets.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

int Option(const Descriptor& socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(socket.number(), level, name, &value, &size), 0);
  return value;
}

/// Whether this machine has IPv6 on loopback.
bool HasIpv6() { return OpenListeningSockets("[::1]:0").ok(); }

bool ConnectsToIpv6(int port) {
  const Descriptor made(socket(AF_INET6, SOCK_STREAM, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  address.sin6_port = htons(static_cast<in_port_t>(port));
  return connect(made.number(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

TEST(ListeningSocketsTest, AFreePortIsChosenAndReturned) {
  const auto found = OpenListeningSockets("127.0.0.1:0");
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->sockets.size(), 1u);
  EXPECT_GT(found->port, 0);
  EXPECT_TRUE(Connect(found->port));
}

TEST(ListeningSocketsTest, APortInUseIsRefused) {
  const auto first = OpenListeningSockets("127.0.0.1:0");
  ASSERT_THAT(first, IsOk());
  for (const char* host : {"127.0.0.1", "0.0.0.0", "localhost"}) {
    const auto second = OpenListeningSockets(fmt::format("{}:{}", host, first->port));
    EXPECT_THAT(second, HasCode(absl::StatusCode::kUnavailable)) << host;
    EXPECT_THAT(second.status().ToString(), testing::HasSubstr("Address already in use"));
  }
}

TEST(ListeningSocketsTest, APortCanBeReusedWhileItsConnectionsLinger) {
  auto first = OpenListeningSockets("127.0.0.1:0");
  ASSERT_THAT(first, IsOk());
  Descriptor client = Connect(first->port);
  ASSERT_TRUE(Soon([&] {
    return Descriptor(accept(first->sockets[0].number(), nullptr, nullptr)).number() >= 0;
  }));  // the server closes first and gets TIME_WAIT
  client.Close();
  const int port = first->port;
  first->sockets.clear();
  EXPECT_THAT(OpenListeningSockets(fmt::format("127.0.0.1:{}", port)), IsOk());
}

TEST(ListeningSocketsTest, TheWildcardAddressServesIpv4AndIpv6) {
  for (const char* any : {"0.0.0.0:0", "[::]:0"}) {
    const auto found = OpenListeningSockets(any);
    ASSERT_THAT(found, IsOk()) << any;
    EXPECT_TRUE(Connect(found->port)) << any;
    EXPECT_EQ(ConnectsToIpv6(found->port), HasIpv6()) << any;
  }
}

TEST(ListeningSocketsTest, AnAddressServesItsOwnFamilyOnly) {
  if (!HasIpv6()) GTEST_SKIP() << "no IPv6 here";
  const auto found = OpenListeningSockets("[::1]:0");
  ASSERT_THAT(found, IsOk());
  EXPECT_TRUE(ConnectsToIpv6(found->port));
  EXPECT_FALSE(Connect(found->port));
}

TEST(ListeningSocketsTest, ANameServesAllItsAddressesAtOnePort) {
  const auto found = OpenListeningSockets("localhost:0");
  ASSERT_THAT(found, IsOk());
  EXPECT_TRUE(Connect(found->port));
  EXPECT_EQ(ConnectsToIpv6(found->port), found->sockets.size() > 1);
}

TEST(ListeningSocketsTest, AnAddressOfAnotherMachineIsRefused) {
  EXPECT_THAT(OpenListeningSockets("192.0.2.1:0"), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(OpenListeningSockets("name.invalid:0"), HasCode(absl::StatusCode::kUnavailable));
}

TEST(ListeningSocketsTest, AcceptedSocketsSendAtOnceAndTimeOut) {
  const auto found = OpenListeningSockets("127.0.0.1:0");
  ASSERT_THAT(found, IsOk());
  const Descriptor client = Connect(found->port);
  Descriptor accepted;
  ASSERT_TRUE(Soon([&] {
    accepted = Descriptor(accept(found->sockets[0].number(), nullptr, nullptr));
    return static_cast<bool>(accepted);
  }));
  EXPECT_EQ(Option(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(Option(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), 20'000);
}

}  // namespace
}  // namespace vico::server
