// What new jobs are checked for, and what their callers are told.
#include <string>

#include <gmock/gmock.h>

#include "tests/server/services/job_service_fixture.h"

namespace vico::server {
namespace {

TEST_F(JobServiceTest, AllThatIsWrongIsNamedAtOnce) {
  auto request = TrainingOf(UploadedConcept());
  request.set_request_id("short");
  request.mutable_train()->set_steps(0);
  request.mutable_train()->set_init_word("dogg");
  const auto job = Create(request);
  EXPECT_THAT(job, NamesField("request_id"));
  for (const char* part : {"train.steps", "train.init_word", "Near words: "}) {
    EXPECT_THAT(job, HasMessage(testing::HasSubstr(part)));
  }
  request.mutable_train()->set_concept_name("concepts/1");
  EXPECT_THAT(Create(request), HasMessage(testing::HasSubstr("train.concept_name")));
}

TEST_F(JobServiceTest, ValidateOnlyQueuesNothing) {
  auto training = TrainingOf(UploadedConcept());
  training.set_validate_only(true);
  const auto draft = Create(training);
  ASSERT_THAT(draft, IsOk());
  EXPECT_EQ(draft->name(), "");
  EXPECT_EQ(draft->kind(), v1::JOB_KIND_TRAINING);
  EXPECT_EQ(draft->spec().train().steps(), 120);
  auto generation = GenerationOf();
  generation.set_validate_only(true);
  generation.mutable_generate()->set_steps(0);
  EXPECT_THAT(Create(generation), NamesField("generate.steps"));
  EXPECT_EQ(CountJobs(), 0u);
}

TEST_F(JobServiceTest, WarningsFollowTheQueuedEvent) {
  const std::string png = Encoded(TestPicture(64, 64), ".png");
  const auto uploaded = Upload(Header({png, png}), {{0, png}});
  ASSERT_THAT(uploaded, IsOk());
  auto request = TrainingOf(uploaded->uploaded_concept());
  request.mutable_train()->set_sample_prompt("a photo of a dog");
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  ASSERT_THAT(Cancel(job->name()), IsOk());
  const auto watched = Watch(job->name(), 0);
  ASSERT_THAT(watched, IsOk());
  ASSERT_THAT(Story(*watched), ElementsAre(v1::Event::kQueued, v1::Event::kWarning,
                                           v1::Event::kWarning, v1::Event::kCancelled));
  EXPECT_EQ((*watched)[1].event().warning().reason(), "PROMPT_WITHOUT_PLACEHOLDER");
  EXPECT_EQ((*watched)[2].event().warning().reason(), "DUPLICATE_PICTURES");
}

TEST_F(JobServiceTest, ResourcesThatASpecNamesMustExist) {
  const std::string nobody(32, '0');
  v1::Concept missing;
  missing.set_name("concepts/" + nobody);
  EXPECT_THAT(Create(TrainingOf(missing)), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Create(TrainingOf(missing)), HasMessage(testing::HasSubstr("train.concept_name")));
  missing.set_name("my dog");
  EXPECT_THAT(Create(TrainingOf(missing)), NamesField("train.concept_name"));

  EXPECT_THAT(Create(GenerationOf("adapters/" + nobody)), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Create(GenerationOf("adapters/x")), NamesField("generate.adapter"));

  auto request = GenerationOf();
  request.mutable_generate()->set_base_model("baseModels/sd15");
  EXPECT_THAT(Create(request), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Create(request), HasMessage(testing::HasSubstr("generate.base_model")));
  request.mutable_generate()->set_base_model("sd15");
  EXPECT_THAT(Create(request), NamesField("generate.base_model"));
  EXPECT_EQ(CountJobs(), 0u);
}

TEST_F(JobServiceTest, BadSpecsQueueNothing) {
  auto training = TrainingOf(UploadedConcept());
  training.mutable_train()->set_init_word("xylophonist");
  EXPECT_THAT(Create(training), NamesField("train.init_word"));
  auto generation = GenerationOf();
  generation.mutable_generate()->set_scheduler("plms");
  EXPECT_THAT(Create(generation), NamesField("generate.scheduler"));
  generation = GenerationOf();
  generation.set_request_id("short");
  EXPECT_THAT(Create(generation), NamesField("request_id"));
  EXPECT_EQ(CountJobs(), 0u);
}

TEST_F(JobServiceTest, OneOfSeveralBaseModelsMustBeNamed) {
  ASSERT_THAT(RegisterOther("baseModels/other"), IsOk());
  EXPECT_THAT(Create(GenerationOf()), NamesField("generate.base_model"));
  auto request = GenerationOf();
  request.mutable_generate()->set_base_model("baseModels/other");
  EXPECT_THAT(Create(request), IsOk());
}

}  // namespace
}  // namespace vico::server
