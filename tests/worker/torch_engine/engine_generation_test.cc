// Generations with several prompts and from pictures.
#include "tests/worker/torch_engine/torch_engine_fixture.h"
#include "worker/engine/generation_pictures.h"
#include "worker/io/image.h"

namespace vico::worker {
namespace {

using testing::ElementsAre;
using testing::Pair;

class EngineGenerationTest : public TorchEngineTest {
 protected:
  EngineGenerationTest() {
    generate_.add_seeds(9);
    draws_.on_step = [this](int64_t step, int64_t total) {
      done_.emplace_back(step, total);
      return true;
    };
  }

  absl::Status Draw(const GenerationInputs& inputs = {}) {
    return engine_->Generate(generate_, inputs, draws_).status();
  }

  /// Draws from a picture, half of which a mask keeps.
  GenerationInputs Masked() {
    generate_.set_init_picture("concepts/1/pictures/0");
    generate_.set_mask_picture("concepts/1/pictures/1");
    generate_.set_denoise(0.7);
    auto mask = torch::zeros({50, 50}, torch::kBool);
    mask.narrow(1, 0, 25).fill_(true);
    return {.init_picture = pictures_[0], .mask_picture = EncodeMaskPng(mask).value()};
  }

  std::vector<std::pair<int64_t, int64_t>> done_;
};

TEST_F(EngineGenerationTest, EachPromptsPicturesAreThoseOfAJobWithThatPromptOnly) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  const AdapterSource source = SourceOf(*trained);
  std::map<int, std::string> expected;
  for (const auto& [first, prompt] : {std::pair(0, "a photo of S*"), std::pair(2, "a red car")}) {
    generate_.set_prompt(prompt);
    ASSERT_THAT(Draw({.adapter = &source}), IsOk());
    for (int i = 0; i < 2; ++i) expected[first + i] = drawn_.at(i);
  }
  drawn_.clear();
  done_.clear();
  generate_.clear_prompt();
  generate_.add_prompts("a photo of S*");
  generate_.add_prompts("a red car");
  generate_.set_preview_every_steps(2);

  ASSERT_THAT(Draw({.adapter = &source}), IsOk());

  EXPECT_EQ(drawn_, expected);
  EXPECT_NE(drawn_.at(0), drawn_.at(2));
  EXPECT_THAT(done_,
              ElementsAre(Pair(1, 6), Pair(2, 6), Pair(3, 6), Pair(4, 6), Pair(5, 6), Pair(6, 6)));
  EXPECT_THAT(previews_, ElementsAre(Pair(0, 2), Pair(1, 2), Pair(2, 2), Pair(3, 2)));
}

TEST_F(EngineGenerationTest, StopsBetweenStepsOfALaterPrompt) {
  generate_.clear_prompt();
  for (const char* prompt : {"a mug", "a red car"}) generate_.add_prompts(prompt);
  draws_.on_step = [](int64_t step, int64_t) { return step < 4; };

  const auto finished = engine_->Generate(generate_, {}, draws_);

  ASSERT_THAT(finished, IsOk());
  EXPECT_FALSE(*finished);
  EXPECT_EQ(drawn_.size(), 2u);
}

TEST_F(EngineGenerationTest, StrengthOneIsTheDefault) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  const AdapterSource source = SourceOf(*trained);
  std::map<double, std::string> by_strength;
  ASSERT_THAT(Draw({.adapter = &source}), IsOk());
  const std::string by_default = drawn_.at(0);
  for (const double strength : {0.0, 1.0, 2.0}) {
    generate_.set_strength(strength);
    ASSERT_THAT(Draw({.adapter = &source}), IsOk());
    by_strength[strength] = drawn_.at(0);
  }
  EXPECT_EQ(by_strength[1], by_default);
  EXPECT_NE(by_strength[0], by_default);
  EXPECT_NE(by_strength[2], by_default);
}

TEST_F(EngineGenerationTest, DrawsFromAPictureOfAnySizeAndAMask) {
  const GenerationInputs inputs = Masked();
  ASSERT_THAT(Draw(inputs), IsOk());
  EXPECT_THAT(done_, ElementsAre(Pair(1, 2), Pair(2, 2)));  // 70 % of 3 steps, rounded down
  const auto masked = drawn_;
  ASSERT_THAT(Draw(inputs), IsOk());
  EXPECT_EQ(drawn_, masked);
  generate_.clear_mask_picture();
  ASSERT_THAT(Draw(inputs), IsOk());
  EXPECT_NE(drawn_, masked);
}

TEST_F(EngineGenerationTest, DrawsFromAPictureInHalfPrecision) {
  const auto half = OpenTorchEngine({.base_models = {base_},
                                     .device = "cpu",
                                     .precision = "bf16",
                                     .threads = 1,
                                     .code_version = "test"},
                                    Log::Off());
  ASSERT_THAT(half, IsOk());
  const GenerationInputs inputs = Masked();
  ASSERT_THAT((*half)->Generate(generate_, inputs, draws_), IsOk());
  EXPECT_EQ(drawn_.size(), 2u);
}

TEST_F(EngineGenerationTest, APictureThatCannotBeReadIsNamed) {
  GenerationInputs inputs = Masked();
  inputs.mask_picture.resize(60);
  EXPECT_THAT(Draw(inputs), NamesField("generate.mask_picture"));
  inputs.init_picture = "no picture";
  EXPECT_THAT(Draw(inputs), NamesField("generate.init_picture"));
  EXPECT_THAT(Draw({}), NamesField("generate.init_picture"));
  EXPECT_TRUE(drawn_.empty());
}

TEST_F(EngineGenerationTest, AStartThatIsNotPossibleIsNamed) {
  const GenerationInputs inputs = Masked();
  generate_.set_denoise(0.3);
  EXPECT_THAT(Draw(inputs), NamesField("generate.denoise"));
  generate_.set_denoise(1);
  generate_.set_scheduler("pndm");
  EXPECT_THAT(Draw(inputs), NamesField("generate.scheduler"));
}

TEST_F(EngineGenerationTest, AnAdapterWorksWithAnotherBaseModelOfTheSameSizes) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  const std::string path = folder_->path() + "/other";
  ASSERT_THAT(WriteTinyBase(path, 4), IsOk());
  const auto other = OpenTorchEngine(
      {.base_models = {path}, .device = "cpu", .threads = 1, .code_version = "test"}, Log::Off());
  ASSERT_THAT(other, IsOk());
  const v1::BaseModel own = engine_->offers().front().base_model;
  const v1::BaseModel others = (*other)->offers().front().base_model;
  EXPECT_NE(own.digest(), others.digest());
  EXPECT_EQ(own.shape_digest(), others.shape_digest());
  EXPECT_TRUE(IsSha256Hex(own.shape_digest()));
  generate_.set_base_model(others.name());
  const AdapterSource source = SourceOf(*trained);

  ASSERT_THAT((*other)->Generate(generate_, {.adapter = &source}, draws_), IsOk());
  const auto with = drawn_;
  ASSERT_THAT((*other)->Generate(generate_, {}, draws_), IsOk());
  EXPECT_NE(drawn_, with);
}

TEST(GenerationPicturesTest, AreThoseOfEachPromptInTurn) {
  v1::GenerateSpec spec;
  spec.set_prompt("only");
  for (const uint64_t seed : {5, 9}) spec.add_seeds(seed);
  EXPECT_EQ(PictureCount(spec), 2);
  EXPECT_EQ(PromptOfPicture(spec, 1), "only");
  spec.clear_prompt();
  for (const char* prompt : {"a", "b", "c"}) spec.add_prompts(prompt);
  EXPECT_EQ(PictureCount(spec), 6);
  EXPECT_EQ(PromptOfPicture(spec, 3), "b");
  EXPECT_EQ(SeedOfPicture(spec, 3), 9u);
  EXPECT_EQ(SeedOfPicture(spec, 4), 5u);
}

}  // namespace
}  // namespace vico::worker
