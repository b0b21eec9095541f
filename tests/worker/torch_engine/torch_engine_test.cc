// The engine's inputs and outputs on a tiny base model with random weights.
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <utility>

#include "common/formats/safetensors.h"
#include "common/status.h"
#include "tests/worker/torch_engine/torch_engine_fixture.h"

namespace vico::worker {
namespace {

TEST_F(TorchEngineTest, OffersItsBaseModelWithTheTokenizersFiles) {
  const auto offers = engine_->offers();

  ASSERT_EQ(offers.size(), 1u);
  EXPECT_EQ(offers[0].base_model.name(), "baseModels/tiny");
  EXPECT_TRUE(IsSha256Hex(offers[0].base_model.digest()));
  EXPECT_EQ(offers[0].base_model.resolution(), 64);
  EXPECT_EQ(offers[0].base_model.context_tokens(), 32);
  EXPECT_EQ(offers[0].vocabulary, FileBytes(base_ + "/tokenizer/vocab.json"));
  EXPECT_EQ(offers[0].merges, FileBytes(base_ + "/tokenizer/merges.txt"));
  EXPECT_EQ(engine_->device(), "cpu");
}

TEST_F(TorchEngineTest, AMissingOrBrokenFileOfABaseModelIsNamed) {
  const std::string broken = folder_->path() + "/broken";
  std::filesystem::copy(base_, broken, std::filesystem::copy_options::recursive);
  const std::string weights = broken + "/unet/diffusion_pytorch_model.safetensors";
  std::filesystem::resize_file(weights, 1000);
  EXPECT_THAT(OpenTorchEngine({.base_models = {broken}}, Log::Off()),
              HasMessage(testing::HasSubstr(weights)));

  std::filesystem::remove(broken + "/tokenizer/merges.txt");
  EXPECT_THAT(OpenTorchEngine({.base_models = {broken}}, Log::Off()),
              HasMessage(testing::HasSubstr("tokenizer/merges.txt")));

  EXPECT_THAT(OpenTorchEngine({.base_models = {folder_->path() + "/nowhere"}}, Log::Off()),
              HasMessage(testing::HasSubstr("nowhere")));
}

TEST_F(TorchEngineTest, TheSameBaseModelTwiceIsRefused) {
  EXPECT_THAT(OpenTorchEngine({.base_models = {base_, base_}}, Log::Off()),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(TorchEngineTest, ATrainingDrawsSamplesAndMasksDuringAndAfterIt) {
  const auto trained = Train();

  ASSERT_THAT(trained, IsOk());
  EXPECT_FALSE(trained->stopped);
  ASSERT_EQ(steps_.size(), 5u);
  EXPECT_EQ(steps_.back().step, 5);
  EXPECT_EQ(steps_.back().total_steps, 5);
  EXPECT_GT(steps_.back().loss, 0);
  std::vector<int64_t> sampled;
  for (const auto& [step, picture] : samples_) {
    sampled.push_back(step);
    EXPECT_EQ(picture.width, 64);
    EXPECT_EQ(picture.height, 64);
    EXPECT_TRUE(picture.bytes.starts_with("\x89PNG"));
  }
  EXPECT_THAT(sampled, testing::ElementsAre(2, 4, 5));
  ASSERT_EQ(masks_.size(), 9u);  // of three pictures at three steps
  for (const LearnedMask& mask : masks_) {
    EXPECT_GT(mask.coverage, 0);
    EXPECT_LT(mask.coverage, 1);
    EXPECT_TRUE(mask.png.starts_with("\x89PNG"));
    EXPECT_FALSE(mask.site.empty());
  }
  EXPECT_EQ(masks_.back().step, 5);
  EXPECT_EQ(masks_.back().picture_index, 2);
}

TEST_F(TorchEngineTest, SamplesDoNotChangeTheTraining) {
  const auto shown = Train();
  train_.set_sample_every_steps(0);
  const auto unshown = Train();
  ASSERT_THAT(shown, IsOk());
  ASSERT_THAT(unshown, IsOk());

  ASSERT_EQ(steps_.size(), 10u);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(steps_[i].loss, steps_[i + 5].loss) << i;
  EXPECT_EQ(samples_.size(), 3u);  // of the first training
}

TEST_F(TorchEngineTest, AdaptersDependOnSpecAndSeedOnly) {
  const auto one = Train();
  const auto two = Train();
  train_.set_seed(12);
  const auto other = Train();

  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(two, IsOk());
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(Sha256Hex(one->safetensors), Sha256Hex(two->safetensors));
  EXPECT_NE(Sha256Hex(one->safetensors), Sha256Hex(other->safetensors));
}

TEST_F(TorchEngineTest, BadInputIsNamed) {
  auto pictures = pictures_;
  pictures[1].resize(100);
  EXPECT_THAT(engine_->Train(train_, pictures, shows_),
              testing::AllOf(HasCode(absl::StatusCode::kInvalidArgument),
                             HasMessage(testing::HasSubstr("picture 1"))));
}

TEST_F(TorchEngineTest, AnAdapterChangesThePictureAndIsCached) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  const AdapterSource source = SourceOf(*trained);

  ASSERT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_), IsOk());
  const auto personal = drawn_;
  ASSERT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_), IsOk());
  EXPECT_EQ(drawn_, personal);
  EXPECT_EQ(fetched_, 1);

  ASSERT_THAT(engine_->Generate(generate_, {}, draws_), IsOk());
  EXPECT_NE(drawn_, personal);
}

TEST_F(TorchEngineTest, APictureDoesNotDependOnOthersOfTheSameJob) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  const AdapterSource source = SourceOf(*trained);
  ASSERT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_), IsOk());
  const std::string alone = drawn_.at(0);

  generate_.clear_seeds();
  for (const uint64_t seed : {4, 5, 6}) generate_.add_seeds(seed);
  generate_.set_preview_every_steps(2);
  ASSERT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_), IsOk());

  EXPECT_EQ(drawn_.size(), 3u);
  EXPECT_EQ(Sha256Hex(drawn_.at(1)), Sha256Hex(alone));
  EXPECT_NE(Sha256Hex(drawn_.at(0)), Sha256Hex(alone));
  EXPECT_THAT(previews_, testing::ElementsAre(std::pair(0, 2), std::pair(1, 2), std::pair(2, 2)));
}

TEST_F(TorchEngineTest, SupportsMmagicsDialect) {
  const auto paper = Train();
  train_.set_dialect(v1::DIALECT_MMAGIC);
  const auto trained = Train();
  ASSERT_THAT(paper, IsOk());
  ASSERT_THAT(trained, IsOk());
  const auto file = SafetensorsFile::FromBytes(trained->safetensors, "adapter", 1 << 20);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->metadata().at("dialect"), "mmagic");
  EXPECT_EQ(file->metadata().at("sites"), R"(["up_blocks.1.attentions.0"])");
  EXPECT_EQ(masks_.size(), 18u);

  AdapterSource source = SourceOf(*trained);
  ASSERT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_), IsOk());
  const std::string alone = drawn_.at(0);
  source = SourceOf(*paper);
  ASSERT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_), IsOk());
  EXPECT_NE(Sha256Hex(drawn_.at(0)), Sha256Hex(alone));
}

TEST_F(TorchEngineTest, ATrainingUsesTheSitesOfItsSpec) {
  const auto transformers = engine_->offers().at(0).base_model.transformers();
  ASSERT_GE(transformers.size(), 3);
  train_.add_sites(transformers[2]);
  train_.add_sites(transformers[0]);
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  const auto file = SafetensorsFile::FromBytes(trained->safetensors, "adapter", 1 << 20);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->metadata().at("sites"),
            "[\"" + transformers[0] + "\",\"" + transformers[2] + "\"]");
  const AdapterSource source = SourceOf(*trained);
  EXPECT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_), IsOk());

  train_.set_sites(1, "up_blocks.9.attentions.0");
  EXPECT_THAT(Train(), NamesField("train.sites"));
}

TEST_F(TorchEngineTest, ABaseModelWithUnknownDefaultSitesIsRefused) {
  const TempFolder folder;
  const std::string path = folder.path() + "/tiny";
  ASSERT_THAT(WriteTinyBase(path, 3), IsOk());
  std::ofstream(path + "/vico.json")
      << R"({"training_defaults": {"sites": ["mid_block.nowhere"]}})";
  const auto engine = OpenTorchEngine(
      {.base_models = {path}, .device = "cpu", .threads = 1, .code_version = "test"}, Log::Off());
  EXPECT_THAT(engine, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(engine.status().message()), testing::HasSubstr("mid_block.nowhere"));
}

// bfloat16 changes losses and pictures, but only a little.
TEST_F(TorchEngineTest, Bfloat16TrainsAndDrawsNearlyTheSame) {
  const auto engine = OpenTorchEngine({.base_models = {base_},
                                       .device = "cpu",
                                       .precision = "bf16",
                                       .threads = 1,
                                       .code_version = "test"},
                                      Log::Off());
  ASSERT_THAT(engine, IsOk());
  const auto exact = Train();
  const std::vector<TrainStep> exact_steps = std::exchange(steps_, {});
  const auto rounded = (*engine)->Train(train_, pictures_, shows_);
  ASSERT_THAT(exact, IsOk());
  ASSERT_THAT(rounded, IsOk());
  EXPECT_NE(Sha256Hex(exact->safetensors), Sha256Hex(rounded->safetensors));
  ASSERT_EQ(steps_.size(), exact_steps.size());
  for (size_t i = 0; i < steps_.size(); ++i) {
    EXPECT_NEAR(steps_[i].loss, exact_steps[i].loss, 0.03 * exact_steps[i].loss) << i;
  }
  const AdapterSource source = SourceOf(*rounded);
  ASSERT_THAT((*engine)->Generate(generate_, {.adapter = &source}, draws_), IsOk());
  EXPECT_EQ(drawn_.size(), 1u);
}

TEST_F(TorchEngineTest, AGenerationStopsAtTheStepWhoseCallbackReturnsFalse) {
  int64_t last = 0;
  draws_.on_step = [&](int64_t step, int64_t total) {
    EXPECT_EQ(total, 3);
    last = step;
    return step < 2;
  };

  const auto drawn = engine_->Generate(generate_, {}, draws_);

  ASSERT_THAT(drawn, IsOk());
  EXPECT_FALSE(*drawn);
  EXPECT_EQ(last, 2);
  EXPECT_TRUE(drawn_.empty());
}

TEST_F(TorchEngineTest, ABrokenAdapterFileIsRefused) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  TrainedAdapter broken = *trained;
  broken.safetensors.resize(broken.safetensors.size() - 4);
  const AdapterSource source = SourceOf(broken);

  EXPECT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(TorchEngineTest, AnAdapterThatCannotBeFetchedIsAnErrorAndIsNotCached) {
  AdapterSource source;
  source.adapter.mutable_blob()->set_sha256("x");
  source.fetch = [] { return absl::UnavailableError("away"); };

  EXPECT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(TorchEngineTest, LibTorchsExceptionsBecomeErrors) {
  generate_.set_width(63);

  EXPECT_THAT(engine_->Generate(generate_, {}, draws_), HasCode(absl::StatusCode::kInternal));
}

TEST_F(TorchEngineTest, AnUnknownBaseModelIsAnInternalError) {
  generate_.set_base_model("baseModels/other");

  EXPECT_THAT(engine_->Generate(generate_, {}, draws_), HasCode(absl::StatusCode::kInternal));
}

TEST_F(TorchEngineTest, EachSamplePromptIsDrawnWithItsSeed) {
  train_.set_steps(2);
  train_.set_sample_every_steps(1);
  train_.add_sample_prompts("a photo of S*");
  train_.add_sample_prompts("S* on grass");
  std::map<std::pair<int64_t, int>, TrainingSample> drawn;
  shows_.on_sample = [&](const TrainingSample& sample) {
    EXPECT_TRUE(drawn.try_emplace({sample.step, sample.prompt_index}, sample).second);
  };
  ASSERT_THAT(Train(), IsOk());
  ASSERT_EQ(drawn.size(), 4u);
  EXPECT_EQ((drawn[{1, 0}].seed), train_.seed());
  EXPECT_EQ((drawn[{1, 1}].seed), train_.seed() + 1);
  EXPECT_EQ((drawn[{2, 1}].seed), train_.seed() + 1) << "the same at every step";
  const auto default_seeds = std::exchange(drawn, {});

  train_.add_sample_seeds(train_.seed());
  train_.add_sample_seeds(99);
  ASSERT_THAT(Train(), IsOk());
  EXPECT_EQ((drawn[{2, 1}].seed), 99u);
  EXPECT_EQ((drawn[{2, 0}].picture.bytes), default_seeds.at({2, 0}).picture.bytes);
  EXPECT_NE((drawn[{2, 1}].picture.bytes), default_seeds.at({2, 1}).picture.bytes);
}

TEST_F(TorchEngineTest, TheFirstSampleIsTheBaseModelsWithTheInitWord) {
  train_.set_steps(2);
  train_.set_sample_every_steps(2);
  train_.set_sample_first(true);
  ASSERT_THAT(Train(), IsOk());
  ASSERT_TRUE(samples_.contains(0));
  EXPECT_EQ(samples_.size(), 2u);
  const std::string with_placeholder = samples_[0].bytes;
  train_.set_sample_prompt("a photo of mug");
  ASSERT_THAT(Train(), IsOk());
  EXPECT_EQ(samples_[0].bytes, with_placeholder);
  train_.set_sample_prompt("a photo of a robot");
  ASSERT_THAT(Train(), IsOk());
  EXPECT_NE(samples_[0].bytes, with_placeholder);
}

}  // namespace
}  // namespace vico::worker
