#include "common/field_errors.h"

#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "common/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/support/status_matchers.h"

namespace vico {
namespace {

google::rpc::BadRequest BadRequestOf(const absl::Status& status) {
  google::rpc::BadRequest found;
  const google::rpc::Status proto = ToProto(status);
  for (const auto& detail : proto.details()) {
    if (detail.type_url().ends_with("BadRequest")) {
      EXPECT_TRUE(found.ParseFromString(detail.value()));
    }
  }
  return found;
}

TEST(FieldErrorsTest, NothingAddedIsOk) {
  FieldErrors errors;
  errors.Add(absl::OkStatus());
  EXPECT_TRUE(errors.empty());
  EXPECT_THAT(errors.status(), IsOk());
}

TEST(FieldErrorsTest, OneErrorStaysAsItIs) {
  FieldErrors errors;
  errors.Add("train.steps", "must be 1..5000, got 0");
  EXPECT_EQ(errors.status(), FieldError("train.steps", "must be 1..5000, got 0"));
}

TEST(FieldErrorsTest, AllViolationsAreInOneAnswer) {
  FieldErrors errors;
  errors.Add("a", "is bad");
  errors.Add(FieldError("b.c", "is worse"));
  EXPECT_THAT(errors.status(), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(errors.status(), HasReason("INVALID_FIELD"));
  EXPECT_THAT(errors.status(), HasMessage(testing::StrEq("a: is bad; b.c: is worse")));
  const google::rpc::BadRequest all = BadRequestOf(errors.status());
  ASSERT_EQ(all.field_violations_size(), 2);
  EXPECT_EQ(all.field_violations(1).field(), "b.c");
  EXPECT_EQ(all.field_violations(1).description(), "is worse");
}

TEST(FieldErrorsTest, AnotherErrorHidesTheFields) {
  FieldErrors errors;
  errors.Add("a", "is bad");
  errors.Add(absl::UnavailableError("away"));
  EXPECT_THAT(errors.status(), HasCode(absl::StatusCode::kUnavailable));
}

TEST(FieldErrorsTest, AnAnswerStaysWithinAClientsMetadata) {
  FieldErrors errors;
  for (int i = 0; i < 200; ++i) {
    errors.Add(fmt::format("pictures[{}]", i), std::string(2000, 'x'));
  }
  EXPECT_GT(BadRequestOf(errors.status()).field_violations_size(), 3);
  EXPECT_LT(ToProto(errors.status()).ByteSizeLong(), 3000u);
}

}  // namespace
}  // namespace vico
