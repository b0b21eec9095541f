#include "common/rpc/status_grpc.h"

#include <gmock/gmock.h>

#include "common/status.h"
#include "tests/support/status_matchers.h"

namespace vico {
namespace {

TEST(StatusGrpcTest, ReasonsAndFieldsSurviveTheConversion) {
  const absl::Status status = WithRetryAfter(FieldError("prompt", "is empty"), absl::Seconds(2));
  const grpc::Status over_the_wire = ToGrpc(status);
  EXPECT_EQ(over_the_wire.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(over_the_wire.error_message(), "prompt: is empty");
  EXPECT_EQ(FromGrpc(over_the_wire), status);
}

TEST(StatusGrpcTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_THAT(FromGrpc(grpc::Status::OK), IsOk());
}

TEST(StatusGrpcTest, AnErrorWithoutDetailsKeepsCodeAndMessage) {
  const absl::Status status = FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "away"));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(status, HasMessage("away"));
}

TEST(StatusGrpcTest, DetailsThatContradictTheCodeAreDropped) {
  const grpc::Status lying(grpc::StatusCode::NOT_FOUND, "gone",
                           ToGrpc(FieldError("a", "b")).error_details());
  const absl::Status status = FromGrpc(lying);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(Field(status), "");
}

TEST(StatusGrpcTest, AStreamThatAProxyResetsIsALostConnection) {
  const grpc::Status reset(grpc::StatusCode::INTERNAL, "Received RST_STREAM with error code 2");
  EXPECT_THAT(FromGrpc(reset), HasCode(absl::StatusCode::kUnavailable));
  const grpc::Status ended(grpc::StatusCode::UNKNOWN, "Stream removed");
  EXPECT_THAT(FromGrpc(ended), HasCode(absl::StatusCode::kUnavailable));
  const absl::Status bug = Error(absl::StatusCode::kInternal, "RST_STREAM", "BUG");
  EXPECT_THAT(FromGrpc(ToGrpc(bug)), HasCode(absl::StatusCode::kInternal));
}

TEST(StatusGrpcTest, NoMessageIsEmpty) {
  for (int code = 1; code <= static_cast<int>(absl::StatusCode::kUnauthenticated); ++code) {
    const absl::Status status = FromGrpc(grpc::Status(static_cast<grpc::StatusCode>(code), ""));
    EXPECT_EQ(static_cast<int>(status.code()), code);
    EXPECT_THAT(status, HasMessage(testing::SizeIs(testing::Gt(10)))) << code;
  }
}

TEST(StatusGrpcTest, InvalidDetailsAreDropped) {
  const absl::Status status =
      FromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "broken", "\xff\xff\xff"));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(status, HasReason(""));
}

}  // namespace
}  // namespace vico
