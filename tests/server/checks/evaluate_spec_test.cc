#include "server/checks/evaluate_spec.h"

#include <gmock/gmock.h>

#include "tests/server/base_model_fixture.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::ElementsAre;

class EvaluateSpecTest : public testing::Test {
 protected:
  EvaluateSpecTest() {
    adapter_.set_name("adapters/1");
    adapter_.set_base_model_digest(base_model_.digest());
    adapter_.set_placeholder("<dog>");
  }

  absl::StatusOr<CheckedSpec> Check() {
    return CheckEvaluateSpec(requested_, adapter_, {base_model_, tokenizer_, draw_seed_});
  }

  v1::EvaluateSpec& defaults() { return *base_model_.mutable_evaluation_defaults(); }

  v1::BaseModel base_model_ = TestBaseModel();
  v1::Adapter adapter_;
  v1::EvaluateSpec requested_;
  const Tokenizer tokenizer_ = TestTokenizer();
  const std::function<uint64_t()> draw_seed_ = [] { return uint64_t{42}; };
};

TEST_F(EvaluateSpecTest, WithoutDefaultsFourPromptsAreDrawnTwice) {
  const auto checked = Check();
  ASSERT_THAT(checked, IsOk());
  const v1::EvaluateSpec& spec = checked->spec.evaluate();
  EXPECT_EQ(spec.adapter(), "adapters/1");
  EXPECT_EQ(spec.base_model(), kTestBase);
  EXPECT_EQ(spec.prompts_size(), 4);
  EXPECT_EQ(spec.prompts(0), "a photo of <dog>");
  EXPECT_EQ(spec.picture_count(), 2);
  EXPECT_EQ(spec.seed(), 1U) << "the same for all, so that reports can be compared";
}

TEST_F(EvaluateSpecTest, TheDefaultsOfTheBaseModelHaveTheAdaptersPlaceholder) {
  defaults().add_prompts("a {placeholder} like no S*");
  defaults().add_prompts("S* in the snow");
  defaults().set_picture_count(1);
  defaults().set_seed(7);
  const v1::EvaluateSpec spec = Check()->spec.evaluate();
  EXPECT_THAT(spec.prompts(), ElementsAre("a <dog> like no S*", "<dog> in the snow"));
  EXPECT_EQ(spec.picture_count(), 1);
  EXPECT_EQ(spec.seed(), 7U);
  base_model_.mutable_training_defaults()->set_placeholder("sks");
  base_model_.mutable_evaluation_defaults()->set_prompts(1, "sks in the snow");
  EXPECT_EQ(Check()->spec.evaluate().prompts(1), "<dog> in the snow");
}

TEST_F(EvaluateSpecTest, WhatIsAskedForReplacesTheDefaults) {
  defaults().add_prompts("S* in the snow");
  requested_.add_prompts("<dog> at sea");
  requested_.set_picture_count(4);
  requested_.set_seed(0);
  const v1::EvaluateSpec spec = Check()->spec.evaluate();
  EXPECT_THAT(spec.prompts(), ElementsAre("<dog> at sea"));
  EXPECT_EQ(spec.picture_count(), 4);
  EXPECT_EQ(spec.seed(), 0U);
}

TEST_F(EvaluateSpecTest, OneErrorNamesAllWrongFields) {
  requested_.add_prompts("<dog>");
  requested_.add_prompts(" ");
  requested_.set_picture_count(5);
  EXPECT_THAT(Check(), NamesField("evaluate.prompts[1]"));
  EXPECT_THAT(Check(), HasMessage(testing::HasSubstr("evaluate.picture_count")));
  requested_.clear_picture_count();
  for (int i = 0; i < 7; ++i) requested_.add_prompts("<dog>");
  EXPECT_THAT(Check(), NamesField("evaluate.prompts"));
}

TEST_F(EvaluateSpecTest, APromptWithoutThePlaceholderGivesAWarning) {
  requested_.add_prompts("a photo of <dog>");
  requested_.add_prompts("a photo of S*");
  const auto checked = Check();
  ASSERT_THAT(checked, IsOk());
  ASSERT_EQ(checked->warnings.size(), 1U);
  EXPECT_EQ(checked->warnings[0].reason(), "PROMPT_WITHOUT_PLACEHOLDER");
  EXPECT_THAT(checked->warnings[0].message(), testing::StartsWith("evaluate.prompts[1]"));
}

TEST_F(EvaluateSpecTest, AnAdapterOfAnotherBaseModelIsRefused) {
  adapter_.set_base_model_digest(Sha256Hex("another"));
  EXPECT_THAT(Check(), HasReason("BASE_MODEL_DIFFERS"));
}

}  // namespace
}  // namespace vico::server
