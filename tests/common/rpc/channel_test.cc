#include "common/rpc/channel.h"

#include <fstream>
#include <string>
#include <utility>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico {
namespace {

TEST(ChannelTest, OpensToLoopbackWithoutConnecting) {
  const auto channel = OpenChannel("server", "127.0.0.1:1");
  ASSERT_THAT(channel, IsOk());
  EXPECT_EQ((*channel)->GetState(false), GRPC_CHANNEL_IDLE);
}

TEST(ChannelTest, RefusesAnInvalidAddress) {
  EXPECT_THAT(OpenChannel("server", "10.0.0.1"), NamesField("server"));
}

TEST(ChannelTest, RefusesMissingFiles) {
  EXPECT_THAT(OpenChannel("server", "10.0.0.1:1", {.ca = "/none"}),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST(ChannelTest, TheAddressDecidesAboutTls) {
  for (const char* address :
       {"LOCALHOST:1", "127.1:1", "http://[::1]:1", "dns:///localhost:1", "unix:/run/vico"}) {
    const auto peer = PeerAt("server", address);
    ASSERT_THAT(peer, IsOk());
    EXPECT_FALSE(peer->tls) << address;
  }
  for (const char* address : {"https://localhost:1", "grpcs://127.0.0.1:1", "example.org:1"}) {
    const auto peer = PeerAt("server", address);
    ASSERT_THAT(peer, IsOk());
    EXPECT_TRUE(peer->tls) << address;
  }
  EXPECT_TRUE(PeerAt("server", "127.0.0.1:1", {.ca = "/ca"})->tls);
}

TEST(ChannelTest, NoPlainConnectionLeavesTheMachine) {
  EXPECT_THAT(PeerAt("server", "http://example.org:1"),
              HasMessage(testing::HasSubstr("write https://")));
  EXPECT_THAT(PeerAt("server", "http://127.0.0.1:1", {.ca = "/ca"}), NamesField("server"));
}

TEST(ChannelTest, AnAddressToListenOnIsNotConnectedTo) {
  for (const char* address : {"0.0.0.0:50051", "[::]:50051", "https://0.0.0.0:1"}) {
    EXPECT_THAT(OpenChannel("server", address), HasMessage(testing::HasSubstr("to listen on")));
  }
  EXPECT_THAT(OpenChannel("server", "127.0.0.1:0"), HasMessage(testing::HasSubstr("1..65535")));
}

TEST(ChannelTest, FilesThatEditorsOfWindowsSavedAreNamed) {
  const TempFolder folder;
  const std::string path = folder.path() + "/ca.pem";
  for (const auto& [bytes, what] :
       {std::pair(std::string("\xff\xfe-\0-\0", 6), "UTF-16"),
        std::pair(std::string("\xef\xbb\xbf-----BEGIN CERTIFICATE-----"), "byte order mark")}) {
    std::ofstream(path, std::ios::binary) << bytes;
    EXPECT_THAT(
        OpenChannel("server", "10.0.0.1:1", {.ca = path}),
        testing::AllOf(HasCode(absl::StatusCode::kFailedPrecondition),
                       HasMessage(testing::HasSubstr(path)), HasMessage(testing::HasSubstr(what))));
  }
}

}  // namespace
}  // namespace vico
