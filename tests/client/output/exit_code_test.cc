#include "client/output/exit_code.h"

#include <gtest/gtest.h>

#include "common/status.h"

namespace vico::client {
namespace {

TEST(ExitCodeTest, EveryClassOfErrorHasItsCode) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), 3);
  EXPECT_EQ(ExitCodeOf(absl::FailedPreconditionError("")), 4);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), 5);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), 5);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("")), 6);
}

TEST(ErrorTextTest, NamesTheFieldOnce) {
  EXPECT_EQ(ErrorText(FieldError("train.steps", "must be 1..5000, got 0")),
            "error: train.steps: must be 1..5000, got 0\n");
}

TEST(ErrorTextTest, WithoutAFieldItIsTheMessage) {
  EXPECT_EQ(ErrorText(absl::NotFoundError("no job jobs/1")), "error: no job jobs/1\n");
}

TEST(ErrorTextTest, AnInternalErrorHasItsCode) {
  EXPECT_EQ(ErrorText(absl::InternalError("oops")), "error: INTERNAL: oops\n");
}

}  // namespace
}  // namespace vico::client
