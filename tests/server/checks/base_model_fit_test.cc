#include "server/checks/base_model_fit.h"

#include <gmock/gmock.h>

#include "tests/server/base_model_fixture.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::HasSubstr;

const std::string kShape(64, 'a');

/// An adapter of baseModels/tiny, and another base model with networks of the same sizes.
class BaseModelFitTest : public testing::Test {
 protected:
  BaseModelFitTest() {
    known_[0].mutable_base_model()->set_shape_digest(kShape);
    known_[1].mutable_base_model()->set_shape_digest(kShape);
    adapter_.set_name("adapters/1");
    adapter_.set_base_model(kTestBase);
    adapter_.set_base_model_digest(own().digest());
  }

  v1::BaseModel& own() { return *known_[0].mutable_base_model(); }
  v1::BaseModel& other() { return *known_[1].mutable_base_model(); }
  auto FitOf(const v1::BaseModel& base_model) {
    return FitOfBaseModel(adapter_, base_model, known_);
  }

  std::vector<v1::OfferedBaseModel> known_{TestOffer(), TestOffer("baseModels/other")};
  v1::Adapter adapter_;
};

TEST_F(BaseModelFitTest, AnAdapterFitsTheBaseModelThatItWasTrainedOn) {
  const auto fit = FitOf(own());
  ASSERT_THAT(fit, IsOk());
  EXPECT_FALSE(fit->has_value());
  v1::BaseModel renamed = own();
  renamed.set_name("baseModels/renamed");
  renamed.clear_shape_digest();
  const auto same = FitOf(renamed);
  ASSERT_THAT(same, IsOk());
  EXPECT_FALSE(same->has_value());
}

TEST_F(BaseModelFitTest, AnotherBaseModelOfTheSameSizesGivesAWarningWithBothDigests) {
  const auto fit = FitOf(other());
  ASSERT_THAT(fit, IsOk());
  ASSERT_TRUE(fit->has_value());
  EXPECT_EQ((*fit)->reason(), "OTHER_BASE_MODEL");
  EXPECT_THAT((*fit)->message(), HasSubstr(own().digest()));
  EXPECT_THAT((*fit)->message(), HasSubstr(other().digest()));
}

TEST_F(BaseModelFitTest, ABaseModelOfOtherOrUnknownSizesIsRefused) {
  other().set_shape_digest(std::string(64, 'b'));
  EXPECT_THAT(FitOf(other()), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(FitOf(other()), HasReason("BASE_MODEL_DIFFERS"));
  other().clear_shape_digest();
  EXPECT_THAT(FitOf(other()), HasReason("BASE_MODEL_DIFFERS"));
  EXPECT_THAT(FitOf(other()), HasMessage(HasSubstr("sizes of the networks of baseModels/other")));
  own().clear_shape_digest();
  other().set_shape_digest(kShape);
  EXPECT_THAT(FitOf(other()), HasReason("BASE_MODEL_DIFFERS"));
  EXPECT_THAT(FitOf(other()), HasMessage(HasSubstr("sizes of the networks of baseModels/tiny")));
}

TEST_F(BaseModelFitTest, ABaseModelThatHasChangedUnderItsNameIsRefused) {
  adapter_.set_base_model_digest(std::string(64, '0'));
  EXPECT_THAT(FitOf(own()), HasReason("BASE_MODEL_DIFFERS"));
}

}  // namespace
}  // namespace vico::server
