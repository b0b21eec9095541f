#include "server/gate/peer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace vico::server {
namespace {

Peer OfIpv4(const char* text) {
  sockaddr_storage storage{};
  storage.ss_family = AF_INET;
  EXPECT_EQ(inet_pton(AF_INET, text, &reinterpret_cast<sockaddr_in&>(storage).sin_addr), 1);
  return PeerOf(storage);
}

Peer OfIpv6(const char* text) {
  sockaddr_storage storage{};
  storage.ss_family = AF_INET6;
  EXPECT_EQ(inet_pton(AF_INET6, text, &reinterpret_cast<sockaddr_in6&>(storage).sin6_addr), 1);
  return PeerOf(storage);
}

TEST(PeerTest, IsAnIpv4Address) {
  EXPECT_EQ(OfIpv4("203.0.113.7").name, "203.0.113.7");
  EXPECT_FALSE(OfIpv4("203.0.113.7").loopback);
}

TEST(PeerTest, IsTheIpv4AddressInAnIpv6One) {
  EXPECT_EQ(OfIpv6("::ffff:203.0.113.7").name, "203.0.113.7");
  EXPECT_TRUE(OfIpv6("::ffff:127.0.0.1").loopback);
}

TEST(PeerTest, IsA64OfIpv6) {
  EXPECT_EQ(OfIpv6("2001:db8:0:1:2:3:4:5").name, "2001:db8:0:1::/64");
  EXPECT_EQ(OfIpv6("2001:db8:0:1:ffff::1").name, "2001:db8:0:1::/64");
  EXPECT_NE(OfIpv6("2001:db8:0:2::1").name, "2001:db8:0:1::/64");
}

TEST(PeerTest, LoopbackIsRecognised) {
  EXPECT_TRUE(OfIpv4("127.0.0.1").loopback);
  EXPECT_TRUE(OfIpv4("127.255.0.9").loopback);
  EXPECT_TRUE(OfIpv6("::1").loopback);
  EXPECT_FALSE(OfIpv6("::2").loopback);
  EXPECT_FALSE(OfIpv4("128.0.0.1").loopback);
}

}  // namespace
}  // namespace vico::server
