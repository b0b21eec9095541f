#include "common/rpc/channel.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

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

}  // namespace
}  // namespace vico
