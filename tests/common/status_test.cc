#include "common/status.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "common/plain_text.h"
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

/// All texts of a status, as another language's program reads them.
std::vector<std::string> TextsOf(const google::rpc::Status& proto) {
  std::vector<std::string> texts{proto.message()};
  for (const auto& detail : proto.details()) {
    google::rpc::BadRequest bad_request;
    google::rpc::ErrorInfo info;
    google::rpc::QuotaFailure quota;
    if (detail.type_url().ends_with("BadRequest") && bad_request.ParseFromString(detail.value())) {
      texts.push_back(bad_request.field_violations(0).field());
      texts.push_back(bad_request.field_violations(0).description());
    } else if (detail.type_url().ends_with("ErrorInfo") && info.ParseFromString(detail.value())) {
      texts.push_back(info.reason());
      for (const auto& [key, value] : info.metadata()) texts.push_back(value);
    } else if (detail.type_url().ends_with("QuotaFailure") &&
               quota.ParseFromString(detail.value())) {
      texts.push_back(quota.violations(0).subject());
      texts.push_back(quota.violations(0).description());
    } else {
      texts.push_back("a detail does not parse: \n");
    }
  }
  return texts;
}

TEST(StatusTest, EveryTextOfAStatusIsPlainAndShort) {
  for (const std::string& bad :
       {std::string("caf\xe9"), std::string("a\x1b[2J\nb"), std::string("\u202egnp"),
        "x" + std::string(2000, '\xc3'), "\u6a21" + std::string(1019, 'a') + "\u6a21\u6a21"}) {
    for (const absl::Status& status :
         {FieldError("train." + bad, bad), Error(absl::StatusCode::kNotFound, bad, bad),
          WithQuota(absl::ResourceExhaustedError(bad), bad, bad), absl::InternalError(bad)}) {
      const google::rpc::Status proto = ToProto(status);
      google::rpc::Status parsed;
      EXPECT_TRUE(parsed.ParseFromString(proto.SerializeAsString()));
      for (const std::string& text : TextsOf(proto)) {
        EXPECT_EQ(FindNotPlain(text), "") << PlainText(text, 100);
        EXPECT_LE(text.size(), 1024u);
      }
    }
  }
}

TEST(StatusTest, DetailsThatAnotherProgramSentAreMadePlainOrLeftOut) {
  google::rpc::Status sent;
  sent.set_code(3);
  sent.set_message("bad\nnews");
  google::rpc::ErrorInfo info;
  info.set_reason("A\x1b");
  (*info.mutable_metadata())["key"] = "\u202e";
  sent.add_details()->PackFrom(info);
  auto& broken = *sent.add_details();
  broken.set_type_url("type.googleapis.com/google.rpc.BadRequest");
  broken.set_value("\x0a\x05no");
  auto& unknown = *sent.add_details();
  unknown.set_type_url("type.googleapis.com/google.rpc.DebugInfo");
  unknown.set_value(std::string(100'000, 'x'));
  const google::rpc::Status kept = ToProto(FromProto(sent));
  EXPECT_EQ(kept.message(), "bad\\nnews");
  ASSERT_EQ(kept.details_size(), 1);
  EXPECT_THAT(TextsOf(kept), testing::ElementsAre("bad\\nnews", "A\\u{1b}", "\\u{202e}"));
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
