#include "tests/worker/job/run_job_fixture.h"

namespace vico::worker {
namespace {

TEST_F(RunJobTest, PicturesAreReportedWhenFinishedAndEndInOrder) {
  engine_.generate = [&](const auto& spec, const auto&,
                         const auto& callbacks) -> absl::StatusOr<bool> {
    EXPECT_EQ(spec.base_model(), "baseModels/toyworld");
    EXPECT_EQ(spec.seeds_size(), 2);
    EXPECT_TRUE(callbacks.on_step(1, 2));
    callbacks.on_preview(1, 1, {.bytes = "preview"});
    callbacks.on_picture(1, {.bytes = TinyPng("second"), .width = 64, .height = 64});
    EXPECT_EQ(link_.CountOf("PutBlob"), 2u);  // at once, not at the end
    callbacks.on_picture(0, {.bytes = TinyPng("first"), .width = 64, .height = 64});
    return true;
  };

  const auto outcome = Run(generation_);

  ASSERT_TRUE(outcome && outcome->has_generated());
  const auto& pictures = outcome->generated().pictures();
  ASSERT_EQ(pictures.size(), 2);
  EXPECT_EQ(pictures[0].index(), 0);
  EXPECT_EQ(pictures[0].seed(), 7u);
  EXPECT_EQ(NoteOf(link_.blobs.at(pictures[0].blob().sha256())), "first");
  EXPECT_EQ(pictures[1].index(), 1);
  EXPECT_EQ(pictures[1].seed(), 8u);
  const auto events = link_.events();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_TRUE(events[0].has_progress());
  EXPECT_EQ(events[1].preview().picture_index(), 1);
  EXPECT_EQ(events[2].picture().index(), 1);
  EXPECT_EQ(events[3].picture().index(), 0);
}

TEST_F(RunJobTest, PicturesSayHowTheyWereMadeAndPreviewsDoNot) {
  engine_.generate = [](const auto&, const auto&, const auto& callbacks) -> absl::StatusOr<bool> {
    callbacks.on_preview(0, 1, {.bytes = TinyPng("preview")});
    for (int i = 0; i < 2; ++i) callbacks.on_picture(i, {.bytes = TinyPng("picture")});
    return true;
  };
  generation_.mutable_spec()->mutable_generate()->set_prompt("a robot");

  const auto outcome = Run(generation_);

  ASSERT_TRUE(outcome && outcome->has_generated());
  const std::string& second = link_.blobs.at(outcome->generated().pictures(1).blob().sha256());
  EXPECT_THAT(TextIn(second, "parameters"), testing::HasSubstr("a robot\nSteps: "));
  EXPECT_THAT(TextIn(second, "vico"), testing::HasSubstr(R"("index":1,"seed":"8")"));
  EXPECT_EQ(link_.blobs.at(link_.events()[0].preview().blob().sha256()), TinyPng("preview"));
}

TEST_F(RunJobTest, EachPromptHasAPictureOfEachSeed) {
  auto& spec = *generation_.mutable_spec()->mutable_generate();
  for (const char* prompt : {"a robot", "a mug"}) spec.add_prompts(prompt);

  const auto outcome = Run(generation_);

  ASSERT_TRUE(outcome && outcome->has_generated());
  const auto& pictures = outcome->generated().pictures();
  ASSERT_EQ(pictures.size(), 4);
  EXPECT_EQ(pictures[3].index(), 3);
  EXPECT_EQ(pictures[3].seed(), 8u);
  const std::string& third = link_.blobs.at(pictures[2].blob().sha256());
  EXPECT_THAT(TextIn(third, "parameters"), testing::StartsWith("a mug\nSteps: "));
  EXPECT_THAT(TextIn(third, "vico"), testing::HasSubstr(R"("index":2,"seed":"7")"));
}

TEST_F(RunJobTest, TheEngineGetsThePicturesThatTheSpecNames) {
  GenerationInputs given;
  engine_.generate = [&](const auto&, const auto& inputs, const auto&) -> absl::StatusOr<bool> {
    given = inputs;
    return false;
  };
  *generation_.mutable_init_picture() = link_.Stored("init");
  *generation_.mutable_mask_picture() = link_.Stored("mask");
  Run(generation_);
  EXPECT_EQ(given.init_picture, "");

  auto& spec = *generation_.mutable_spec()->mutable_generate();
  spec.set_init_picture("concepts/1/pictures/0");
  spec.set_mask_picture("concepts/2/pictures/0");
  Run(generation_);
  EXPECT_EQ(given.init_picture, "init");
  EXPECT_EQ(given.mask_picture, "mask");
}

TEST_F(RunJobTest, AnInitPictureThatIsNotThereFailsTheJob) {
  generation_.mutable_spec()->mutable_generate()->set_init_picture("concepts/1/pictures/0");
  generation_.mutable_init_picture()->set_sha256("gone");
  const auto outcome = Run(generation_);
  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_FALSE(outcome->failure().retryable());
}

TEST_F(RunJobTest, APictureThatIsNoPngFailsTheAttempt) {
  engine_.generate = [](const auto&, const auto&, const auto& callbacks) -> absl::StatusOr<bool> {
    callbacks.on_picture(0, {.bytes = "no PNG"});
    return true;
  };

  const auto outcome = Run(generation_);

  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_TRUE(outcome->failure().retryable());
  EXPECT_EQ(link_.CountOf("PutBlob"), 0u);
}

TEST_F(RunJobTest, AnAdapterIsFetchedOnlyOnDemand) {
  Run(generation_);
  EXPECT_EQ(link_.CountOf("GetBlob"), 0u);

  engine_.generate = [](const auto&, const auto& inputs, const auto&) -> absl::StatusOr<bool> {
    const auto bytes = inputs.adapter->fetch();
    EXPECT_THAT(bytes, IsOk());
    EXPECT_EQ(bytes->safetensors, "adapter file");
    EXPECT_EQ(bytes->reference, "reference picture");
    return false;
  };
  Run(generation_);
  EXPECT_EQ(link_.CountOf("GetBlob"), 2u);
}

TEST_F(RunJobTest, TheBareBaseModelHasNoAdapter) {
  generation_.mutable_spec()->mutable_generate()->clear_adapter();
  bool bare = false;
  engine_.generate = [&](const auto&, const auto& inputs, const auto&) -> absl::StatusOr<bool> {
    bare = inputs.adapter == nullptr;
    return false;
  };

  Run(generation_);

  EXPECT_TRUE(bare);
}

TEST_F(RunJobTest, AMissingPictureIsAnInternalError) {
  engine_.generate = [](const auto&, const auto&, const auto& callbacks) -> absl::StatusOr<bool> {
    callbacks.on_picture(0, {.bytes = TinyPng("only")});
    return true;
  };

  const auto outcome = Run(generation_);

  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_EQ(outcome->failure().status().code(), static_cast<int>(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace vico::worker
