#include "common/status.h"

#include <memory>

#include <gmock/gmock.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/support/status_matchers.h"

namespace vico {
namespace {

absl::StatusOr<int> Half(int number) {
  if (number % 2 != 0) return absl::InvalidArgumentError("odd");
  return number / 2;
}

absl::StatusOr<int> Quarter(int number) {
  ASSIGN_OR_RETURN(const int half, Half(number));
  ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

absl::Status CheckQuarter(int number) {
  RETURN_IF_ERROR(Quarter(number).status());
  return absl::OkStatus();
}

TEST(StatusTest, MacrosReturnErrorsAndPassValues) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_THAT(Quarter(6), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckQuarter(8), IsOk());
  EXPECT_THAT(CheckQuarter(2), HasMessage("odd"));
}

TEST(StatusTest, AssignOrReturnMovesTheValue) {
  const auto get = [](bool good) -> absl::StatusOr<std::unique_ptr<int>> {
    if (!good) return absl::UnavailableError("away");
    return std::make_unique<int>(7);
  };
  const auto use = [&](bool good) -> absl::StatusOr<int> {
    ASSIGN_OR_RETURN(const std::unique_ptr<int> value, get(good));
    return *value;
  };
  EXPECT_EQ(*use(true), 7);
  EXPECT_THAT(use(false), HasCode(absl::StatusCode::kUnavailable));
}

TEST(StatusTest, AFieldErrorNamesItsField) {
  const absl::Status status = FieldError("train.steps", "must be 1..5000, got 0");
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(status, HasMessage("train.steps: must be 1..5000, got 0"));
  EXPECT_THAT(status, HasReason("INVALID_FIELD"));
  EXPECT_THAT(status, NamesField("train.steps"));
}

TEST(StatusTest, WithReasonReplacesAnEarlierReason) {
  const absl::Status status = WithReason(FieldError("name", "is bad"), "NAME_TAKEN");
  EXPECT_THAT(status, HasReason("NAME_TAKEN"));
  EXPECT_THAT(status, NamesField("name"));
}

TEST(StatusTest, OkHasNoDetails) {
  EXPECT_THAT(WithReason(absl::OkStatus(), "X"), IsOk());
  EXPECT_EQ(Reason(WithRetryAfter(absl::OkStatus(), absl::Seconds(1))), "");
}

TEST(StatusTest, TheRetryDelayKeepsItsFraction) {
  const absl::Status status =
      WithRetryAfter(absl::ResourceExhaustedError("full"), absl::Milliseconds(2500));
  EXPECT_EQ(RetryAfter(status), absl::Milliseconds(2500));
  EXPECT_EQ(RetryAfter(absl::ResourceExhaustedError("full")), absl::ZeroDuration());
}

TEST(StatusTest, ProtoKeepsCodeMessageAndDetails) {
  const absl::Status status = WithRetryAfter(FieldError("a.b", "is bad"), absl::Seconds(3));
  EXPECT_EQ(ToProto(status).details_size(), 3);
  EXPECT_EQ(FromProto(ToProto(status)), status);
}

TEST(StatusTest, DetailsHaveTheirStandardTypes) {
  google::rpc::BadRequest bad_request;
  const google::rpc::Status proto = ToProto(FieldError("a.b", "is bad"));
  for (const auto& detail : proto.details()) {
    if (detail.type_url() == "type.googleapis.com/google.rpc.BadRequest") {
      ASSERT_TRUE(bad_request.ParseFromString(detail.value()));
    }
  }
  ASSERT_EQ(bad_request.field_violations_size(), 1);
  EXPECT_EQ(bad_request.field_violations(0).description(), "is bad");
}

TEST(StatusTest, ToProtoLeavesOutThePrivateText) {
  const absl::Status status =
      WithPrivateText(Error(absl::StatusCode::kInternal, "failed", "WHY"), "SELECT secret");
  EXPECT_EQ(PrivateText(status), "SELECT secret");
  EXPECT_EQ(PrivateText(absl::InternalError("failed")), "");
  EXPECT_EQ(PrivateText(FromProto(ToProto(status))), "");
  EXPECT_EQ(ToProto(status).details_size(), 1);
  EXPECT_THAT(FromProto(ToProto(status)), HasReason("WHY"));
}

TEST(StatusTest, LongMessagesAreCutAtACharacter) {
  std::string long_text(1023, 'a');
  long_text += "\xc3\xa9";
  long_text.append(5000, 'b');
  EXPECT_EQ(ToProto(absl::InternalError(long_text)).message(), std::string(1023, 'a'));
  EXPECT_EQ(ToProto(absl::InternalError(std::string(1024, 'a'))).message().size(), 1024u);
}

TEST(StatusTest, AnInvalidCodeBecomesUnknown) {
  google::rpc::Status proto;
  proto.set_code(77);
  EXPECT_THAT(FromProto(proto), HasCode(absl::StatusCode::kUnknown));
  proto.set_code(-1);
  EXPECT_THAT(FromProto(proto), HasCode(absl::StatusCode::kUnknown));
}

}  // namespace
}  // namespace vico
