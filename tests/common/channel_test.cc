#include "common/channel.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

TEST(ChannelTest, OpensToLoopbackWithoutConnecting) {
  const auto channel = OpenChannel("server", "127.0.0.1:1");
  ASSERT_THAT(channel, IsOk());
  EXPECT_EQ((*channel)->GetState(false), GRPC_CHANNEL_IDLE);
}

TEST(ChannelTest, RefusesToLeaveTheMachine) {
  const auto channel = OpenChannel("server", "10.0.0.1:1");
  EXPECT_THAT(channel, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(channel, NamesField("server"));
}

}  // namespace
}  // namespace vico
