#include <limits>

#include "common/schedulers.h"
#include "tests/server/checks/spec_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(RequestTest, MissingFieldsOfAGenerationGetDefaults) {
  const auto checked = Generate();
  ASSERT_THAT(checked, IsOk());
  const v1::GenerateSpec& spec = checked->spec.generate();
  EXPECT_EQ(spec.base_model(), kTestBase);
  EXPECT_EQ(spec.adapter(), kAdapterName);
  EXPECT_EQ(spec.picture_count(), 1);
  EXPECT_DOUBLE_EQ(spec.guidance_scale(), 3);  // the base model's
  EXPECT_EQ(spec.steps(), 20);                 // the base model's
  EXPECT_EQ(spec.scheduler(), "ddim");
  EXPECT_EQ(spec.width(), 64);
  EXPECT_EQ(spec.height(), 64);
  EXPECT_EQ(spec.seeds_size(), 1);
  EXPECT_LT(spec.seeds(0), uint64_t{1} << 53);
}

TEST_F(RequestTest, PromptsHaveALengthAndNoControlCharacters) {
  generate_.set_prompt("");
  EXPECT_THAT(Generate(), NamesField("generate.prompt"));
  generate_.set_prompt(std::string(1025, 'a'));
  EXPECT_THAT(Generate(), NamesField("generate.prompt"));
  generate_.set_prompt(std::string("a\0b", 3));
  EXPECT_THAT(Generate(), NamesField("generate.prompt"));
  generate_.set_prompt(std::string(1024, 'a'));
  EXPECT_THAT(Generate(), IsOk());
  generate_.set_negative_prompt(std::string(1025, 'a'));
  EXPECT_THAT(Generate(), NamesField("generate.negative_prompt"));
}

TEST_F(RequestTest, ATruncatedPromptGivesAWarning) {
  // Start and end take two of the context's 16 tokens.
  std::string prompt = "S*";
  for (int i = 0; i < 13; ++i) prompt += " dog";
  generate_.set_prompt(prompt);
  EXPECT_THAT(Reasons(Generate()), ElementsAre());
  generate_.set_prompt(prompt + " dog");
  EXPECT_THAT(Reasons(Generate()), ElementsAre("PROMPT_TRUNCATED"));
  generate_.set_prompt("S*");
  generate_.set_negative_prompt(prompt + " dog");
  EXPECT_THAT(Reasons(Generate()), ElementsAre("PROMPT_TRUNCATED"));
}

TEST_F(RequestTest, APromptWithoutThePlaceholderGivesAWarning) {
  generate_.set_prompt("a photo of a dog");
  const auto checked = Generate();
  ASSERT_THAT(checked, IsOk());
  EXPECT_THAT(Reasons(checked), ElementsAre("PROMPT_WITHOUT_PLACEHOLDER"));
  EXPECT_THAT(checked->warnings[0].message(),
              testing::Not(HasSubstr("photo")));  // prompts are private
  use_adapter_ = false;
  EXPECT_THAT(Reasons(Generate()), ElementsAre());
}

TEST_F(RequestTest, OneSeedCountsUp) {
  generate_.add_seeds(41);
  generate_.set_picture_count(3);
  const auto checked = Generate();
  ASSERT_THAT(checked, IsOk());
  EXPECT_THAT(checked->spec.generate().seeds(), ElementsAre(41, 42, 43));
}

TEST_F(RequestTest, SeveralSeedsAreOnePerPicture) {
  for (const uint64_t seed : {5, 5, 9}) generate_.add_seeds(seed);
  const auto counted = Generate();
  ASSERT_THAT(counted, IsOk());
  EXPECT_EQ(counted->spec.generate().picture_count(), 3);
  EXPECT_THAT(counted->spec.generate().seeds(), ElementsAre(5, 5, 9));
  generate_.set_picture_count(2);
  EXPECT_THAT(Generate(), NamesField("generate.seeds"));
}

TEST_F(RequestTest, DrawnSeedsStayExactInJson) {
  generate_.set_picture_count(8);
  const auto checked = Generate();
  ASSERT_THAT(checked, IsOk());
  for (const uint64_t seed : checked->spec.generate().seeds()) EXPECT_LT(seed, uint64_t{1} << 53);
}

TEST_F(RequestTest, TheSchedulersOfTheTableAreAcceptedByName) {
  for (const SchedulerInfo& scheduler : kSchedulers) {
    generate_.set_scheduler(std::string(scheduler.name));
    EXPECT_THAT(Generate(), IsOk()) << scheduler.name;
  }
  for (const char* bad : {"DDIM", "plms", "ddim "}) {
    generate_.set_scheduler(bad);
    EXPECT_THAT(Generate(), NamesField("generate.scheduler")) << bad;
  }
}

TEST_F(RequestTest, ASchedulersOwnLimitOfStepsHolds) {
  EXPECT_EQ(FindScheduler("lcm")->max_steps, 50);
  for (const SchedulerInfo& scheduler : kSchedulers) {
    generate_.set_scheduler(std::string(scheduler.name));
    const int most = scheduler.max_steps > 0 ? scheduler.max_steps : 100;
    generate_.set_steps(most);
    EXPECT_THAT(Generate(), IsOk()) << scheduler.name;
    generate_.set_steps(most + 1);
    EXPECT_THAT(Generate(), NamesField("generate.steps")) << scheduler.name;
  }
}

TEST_F(RequestTest, OnlySchedulersThatTakeEtaAcceptIt) {
  EXPECT_TRUE(FindScheduler("ddim")->takes_eta);
  generate_.set_eta(0.5);
  for (const SchedulerInfo& scheduler : kSchedulers) {
    generate_.set_scheduler(std::string(scheduler.name));
    const auto checked = Generate();
    if (scheduler.takes_eta) {
      EXPECT_THAT(checked, IsOk()) << scheduler.name;
    } else {
      EXPECT_THAT(checked, NamesField("generate.eta")) << scheduler.name;
    }
  }
}

TEST_F(RequestTest, SidesAreMultiples) {
  generate_.set_width(72);
  EXPECT_THAT(Generate(), IsOk());
  generate_.set_width(68);
  EXPECT_THAT(Generate(), NamesField("generate.width"));
}

TEST_F(RequestTest, SeveralPromptsStayAsGivenAndTakeThePlaceOfOne) {
  generate_.clear_prompt();
  generate_.add_prompts("S* on the beach");
  generate_.add_prompts("S* in the snow");
  generate_.set_picture_count(2);
  generate_.add_seeds(7);
  const auto checked = Generate();
  ASSERT_THAT(checked, IsOk());
  const v1::GenerateSpec& spec = checked->spec.generate();
  EXPECT_THAT(spec.prompts(), ElementsAre("S* on the beach", "S* in the snow"));
  EXPECT_EQ(spec.prompt(), "");
  EXPECT_EQ(spec.picture_count(), 2);
  EXPECT_THAT(spec.seeds(), ElementsAre(7, 8)) << "of each prompt";
  generate_ = spec;
  EXPECT_EQ(Generate()->spec.SerializeAsString(), checked->spec.SerializeAsString());
  generate_.set_prompt("S*");
  EXPECT_THAT(Generate(), NamesField("generate.prompt"));
}

TEST_F(RequestTest, EachOfSeveralPromptsIsCheckedUnderItsName) {
  generate_.clear_prompt();
  generate_.add_prompts("S*");
  generate_.add_prompts(" ");
  generate_.add_prompts(std::string(1025, 'a'));
  EXPECT_THAT(Generate(), NamesField("generate.prompts[1]"));
  EXPECT_THAT(Generate(), HasMessage(HasSubstr("generate.prompts[2]")));
  generate_.clear_prompts();
  for (int i = 0; i < 8; ++i) generate_.add_prompts("a dog");
  const auto warned = Generate();
  ASSERT_THAT(warned, IsOk());
  ASSERT_EQ(warned->warnings.size(), 8u);
  EXPECT_THAT(warned->warnings[7].message(), HasSubstr("generate.prompts[7]"));
  generate_.add_prompts("S*");
  EXPECT_THAT(Generate(), NamesField("generate.prompts"));
}

TEST_F(RequestTest, AJobMakesAtMost32Pictures) {
  generate_.clear_prompt();
  for (int i = 0; i < 4; ++i) generate_.add_prompts("S*");
  generate_.set_picture_count(8);
  EXPECT_THAT(Generate(), IsOk());
  generate_.add_prompts("S*");
  EXPECT_THAT(Generate(), NamesField("generate.picture_count"));
  generate_.set_picture_count(6);
  EXPECT_THAT(Generate(), IsOk());
}

TEST_F(RequestTest, AStrengthNeedsAnAdapterWhoseDefaultIsThePapers) {
  EXPECT_EQ(Generate()->spec.generate().strength(), 1);
  generate_.set_strength(0);
  const auto word_only = Generate();
  ASSERT_THAT(word_only, IsOk());
  EXPECT_TRUE(word_only->spec.generate().has_strength());
  EXPECT_EQ(word_only->spec.generate().strength(), 0);
  use_adapter_ = false;
  EXPECT_THAT(Generate(), NamesField("generate.strength"));
  generate_.clear_strength();
  EXPECT_FALSE(Generate()->spec.generate().has_strength());
}

TEST_F(RequestTest, WhatBelongsToAnInitPictureNeedsOne) {
  generate_.set_denoise(0.5);
  generate_.set_mask_picture("concepts/1/pictures/1");
  EXPECT_THAT(Generate(), NamesField("generate.denoise"));
  EXPECT_THAT(Generate(), HasMessage(HasSubstr("generate.mask_picture")));
  generate_.set_init_picture("concepts/1/pictures/0");
  const auto checked = Generate();
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->spec.generate().init_picture(), "concepts/1/pictures/0");
  EXPECT_EQ(checked->spec.generate().mask_picture(), "concepts/1/pictures/1");
  EXPECT_DOUBLE_EQ(checked->spec.generate().denoise(), 0.5);
  generate_.clear_denoise();
  EXPECT_DOUBLE_EQ(Generate()->spec.generate().denoise(), 0.8);
  base_.mutable_generation_defaults()->set_denoise(0.6);
  EXPECT_DOUBLE_EQ(Generate()->spec.generate().denoise(), 0.6);
}

TEST_F(RequestTest, DenoiseIsAboveZeroAndLeavesAStep) {
  generate_.set_init_picture("concepts/1/pictures/0");
  generate_.set_steps(20);
  for (const double bad : {0.0, -0.1, 1.01, std::numeric_limits<double>::quiet_NaN(), 0.04}) {
    generate_.set_denoise(bad);
    EXPECT_THAT(Generate(), NamesField("generate.denoise")) << bad;
  }
  for (const double good : {0.05, 1.0}) {
    generate_.set_denoise(good);
    EXPECT_THAT(Generate(), IsOk()) << good;
  }
}

TEST_F(RequestTest, OnlySchedulersThatCanStartInTheMiddleTakeAnInitPicture) {
  EXPECT_FALSE(FindScheduler("pndm")->takes_init_picture);
  generate_.set_init_picture("concepts/1/pictures/0");
  for (const SchedulerInfo& scheduler : kSchedulers) {
    generate_.set_scheduler(std::string(scheduler.name));
    const auto checked = Generate();
    if (scheduler.takes_init_picture) {
      EXPECT_THAT(checked, IsOk()) << scheduler.name;
    } else {
      EXPECT_THAT(checked, NamesField("generate.init_picture")) << scheduler.name;
    }
  }
}

}  // namespace
}  // namespace vico::server
