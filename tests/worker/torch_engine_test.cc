// The engine on a tiny base model with random weights: what goes in and out, not how good it is.
#include "worker/torch_engine.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/safetensors.h"
#include "common/sha256.h"
#include "common/status.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_base.h"

namespace vico {
namespace {

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class TorchEngineTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder();
    base_ = folder_->path() + "/tiny";
    ASSERT_THAT(WriteTinyBase(base_, 3), IsOk());
    auto engine = OpenTorchEngine(
        {.base_models = {base_}, .device = "cpu", .threads = 1, .code_version = "test"},
        Log::Off());
    ASSERT_THAT(engine, IsOk());
    engine_ = engine->release();
    for (const char* name : {"beach", "brick", "grass"}) {
      pictures_.push_back(FileBytes(std::string("examples/mug/") + name + ".png"));
    }
  }
  static void TearDownTestSuite() {
    delete engine_;
    delete folder_;
  }

  TorchEngineTest() {
    train_.set_base_model("baseModels/tiny");
    train_.set_init_word("mug");
    train_.set_placeholder("S*");
    train_.set_dialect(v1::DIALECT_PAPER);
    train_.set_steps(5);
    train_.set_batch_size(2);
    train_.set_embedding_learning_rate(5e-3);
    train_.set_attention_learning_rate(1e-3);
    train_.set_regularizer_weight(5e-4);
    train_.set_mask(true);
    train_.set_sample_every_steps(2);
    train_.set_sample_prompt("a photo of S*");
    train_.set_seed(11);

    generate_.set_base_model("baseModels/tiny");
    generate_.set_prompt("a photo of S*");
    generate_.set_guidance_scale(3);
    generate_.set_scheduler("ddim");
    generate_.set_steps(3);
    generate_.set_width(64);
    generate_.set_height(64);
    generate_.add_seeds(5);

    shows_.on_step = [this](const TrainStep& step) {
      steps_.push_back(step);
      return static_cast<int64_t>(steps_.size()) < stop_after_;
    };
    shows_.keep_going = [] { return true; };
    shows_.on_sample = [this](int64_t step, uint64_t, const PngPicture& picture) {
      samples_[step] = picture;
    };
    shows_.on_mask = [this](const LearnedMask& mask) { masks_.push_back(mask); };
    shows_.on_warning = [](const std::string&, const std::string&) {};
    draws_.on_step = [](int64_t, int64_t) { return true; };
    draws_.on_preview = [this](int index, int64_t step, const PngPicture&) {
      previews_.emplace_back(index, step);
    };
    draws_.on_picture = [this](int index, const PngPicture& picture) {
      drawn_[index] = picture.bytes;
    };
    draws_.on_warning = [](const std::string&, const std::string&) {};
  }

  absl::StatusOr<TrainedAdapter> Train() { return engine_->Train(train_, pictures_, shows_); }

  /// A source for an adapter just trained, which counts how often it is asked.
  AdapterSource SourceOf(const TrainedAdapter& trained) {
    AdapterSource source;
    source.adapter.set_name("adapters/1");
    source.adapter.mutable_blob()->set_sha256(Sha256Hex(trained.safetensors));
    source.adapter.mutable_reference()->set_sha256(Sha256Hex(trained.reference));
    source.fetch = [this, trained]() -> absl::StatusOr<AdapterBytes> {
      ++fetched_;
      return AdapterBytes{.safetensors = trained.safetensors, .reference = trained.reference};
    };
    return source;
  }

  static inline TempFolder* folder_ = nullptr;
  static inline Engine* engine_ = nullptr;
  static inline std::string base_;
  static inline std::vector<std::string> pictures_;

  v1::TrainSpec train_;
  v1::GenerateSpec generate_;
  TrainCallbacks shows_;
  GenerateCallbacks draws_;
  int64_t stop_after_ = 1000;
  int fetched_ = 0;
  std::vector<TrainStep> steps_;
  std::map<int64_t, PngPicture> samples_;
  std::vector<LearnedMask> masks_;
  std::vector<std::pair<int, int64_t>> previews_;
  std::map<int, std::string> drawn_;
};

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

TEST_F(TorchEngineTest, ABaseModelThatLacksAFileOrIsBrokenIsNamed) {
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

TEST_F(TorchEngineTest, ATrainingShowsSamplesAndMasksOnTheWayAndAtTheEnd) {
  const auto trained = Train();

  ASSERT_THAT(trained, IsOk());
  EXPECT_FALSE(trained->stopped);
  EXPECT_EQ(trained->reference, pictures_[0]);
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
  ASSERT_EQ(masks_.size(), 9u);  // three pictures, three times
  for (const LearnedMask& mask : masks_) {
    EXPECT_GT(mask.coverage, 0);
    EXPECT_LT(mask.coverage, 1);
    EXPECT_TRUE(mask.png.starts_with("\x89PNG"));
    EXPECT_FALSE(mask.site.empty());
  }
  EXPECT_EQ(masks_.back().step, 5);
  EXPECT_EQ(masks_.back().picture_index, 2);
}

TEST_F(TorchEngineTest, SamplesDoNotDisturbTheTraining) {
  const auto shown = Train();
  train_.set_sample_every_steps(0);
  const auto unshown = Train();
  ASSERT_THAT(shown, IsOk());
  ASSERT_THAT(unshown, IsOk());

  ASSERT_EQ(steps_.size(), 10u);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(steps_[i].loss, steps_[i + 5].loss) << i;
  EXPECT_EQ(samples_.size(), 3u);  // of the first
}

TEST_F(TorchEngineTest, EqualSpecsGiveEqualAdaptersAndAnotherSeedAnother) {
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

// Resumed after every step of forty, a training ends in the adapter of one that was never stopped.
TEST_F(TorchEngineTest, ATrainingGoesOnFromAnyStepToTheSameBits) {
  constexpr int64_t kSteps = 40;
  train_.set_steps(kSteps);
  train_.set_sample_every_steps(0);
  std::vector<std::string> kept;
  shows_.wants_checkpoint = [](int64_t, bool) { return true; };
  shows_.on_checkpoint = [&](const TrainCheckpoint& checkpoint) {
    EXPECT_EQ(checkpoint.step, static_cast<int64_t>(kept.size()) + 1);
    const auto bytes = checkpoint.serialize();
    ASSERT_THAT(bytes, IsOk());
    kept.push_back(*bytes);
  };
  const auto whole = Train();
  ASSERT_THAT(whole, IsOk());
  ASSERT_EQ(kept.size(), static_cast<size_t>(kSteps));
  const std::vector<TrainStep> undisturbed = std::exchange(steps_, {});

  shows_.wants_checkpoint = nullptr;
  for (int64_t step = 1; step <= kSteps; ++step) {
    steps_.clear();
    std::vector<double> losses;
    shows_.checkpoints = {
        {.step = step, .fetch = [&] { return kept[static_cast<size_t>(step - 1)]; }}};
    shows_.on_resumed = [&](const std::vector<double>& done) { losses = done; };
    const auto resumed = Train();
    ASSERT_THAT(resumed, IsOk());
    EXPECT_EQ(Sha256Hex(resumed->safetensors), Sha256Hex(whole->safetensors)) << step;
    EXPECT_EQ(steps_.size(), static_cast<size_t>(kSteps - step)) << step;
    ASSERT_EQ(losses.size(), static_cast<size_t>(step));
    for (size_t i = 0; i < losses.size(); ++i) EXPECT_EQ(losses[i], undisturbed[i].loss) << i;
  }
}

TEST_F(TorchEngineTest, ACheckpointThatIsBrokenOrOfAnotherTrainingIsPassedOver) {
  std::string good;
  shows_.wants_checkpoint = [](int64_t step, bool) { return step == 2; };
  shows_.on_checkpoint = [&](const TrainCheckpoint& checkpoint) { good = *checkpoint.serialize(); };
  const auto whole = Train();
  ASSERT_THAT(whole, IsOk());
  train_.set_regularizer_weight(1e-3);
  std::string other;
  shows_.on_checkpoint = [&](const TrainCheckpoint& checkpoint) {
    other = *checkpoint.serialize();
  };
  ASSERT_THAT(Train(), IsOk());
  train_.set_regularizer_weight(5e-4);

  std::vector<std::string> warnings;
  shows_.on_warning = [&](const std::string& reason, const std::string& message) {
    EXPECT_EQ(reason, "CHECKPOINT_PASSED_OVER");
    warnings.push_back(message);
  };
  const auto gives = [](std::string bytes) { return [bytes] { return bytes; }; };
  const auto torn = good.substr(0, good.size() - 1);
  const auto missing = []() -> absl::StatusOr<std::string> { return absl::NotFoundError("gone"); };
  shows_.checkpoints = {{5, missing}, {4, gives(torn)}, {3, gives(other)}, {2, gives(good)}};
  steps_.clear();
  const auto resumed = Train();
  ASSERT_THAT(resumed, IsOk());
  EXPECT_EQ(steps_.size(), 3u);
  EXPECT_EQ(Sha256Hex(resumed->safetensors), Sha256Hex(whole->safetensors));
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_THAT(warnings[0], testing::HasSubstr("step 5 was not used: gone"));
  EXPECT_THAT(warnings[2], testing::HasSubstr("checkpoint: training is"));

  shows_.checkpoints.pop_back();  // nothing of use: all five steps again
  steps_.clear();
  const auto anew = Train();
  ASSERT_THAT(anew, IsOk());
  EXPECT_EQ(steps_.size(), 5u);
  EXPECT_EQ(Sha256Hex(anew->safetensors), Sha256Hex(whole->safetensors));
}

TEST_F(TorchEngineTest, ATrainingStopsAfterTheStepThatSaysSo) {
  stop_after_ = 2;

  const auto trained = Train();

  ASSERT_THAT(trained, IsOk());
  EXPECT_TRUE(trained->stopped);
  EXPECT_EQ(steps_.size(), 2u);
  EXPECT_TRUE(samples_.empty());
}

TEST_F(TorchEngineTest, ATrainingStopsInTheMiddleOfASample) {
  int asked = 0;
  shows_.keep_going = [&] { return ++asked < 2; };

  const auto trained = Train();

  ASSERT_THAT(trained, IsOk());
  EXPECT_TRUE(trained->stopped);
  EXPECT_EQ(steps_.size(), 2u);
  EXPECT_TRUE(samples_.empty());
}

TEST_F(TorchEngineTest, BadInputIsNamed) {
  auto pictures = pictures_;
  pictures[1].resize(100);
  EXPECT_THAT(engine_->Train(train_, pictures, shows_),
              testing::AllOf(HasCode(absl::StatusCode::kInvalidArgument),
                             HasMessage(testing::HasSubstr("picture 1"))));

  train_.set_init_word("contraption of mine");
  EXPECT_THAT(Train(), NamesField("train.init_word"));
}

TEST_F(TorchEngineTest, AnAdapterChangesThePictureAndIsKept) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  const AdapterSource source = SourceOf(*trained);

  ASSERT_THAT(engine_->Generate(generate_, &source, draws_), IsOk());
  const auto personal = drawn_;
  ASSERT_THAT(engine_->Generate(generate_, &source, draws_), IsOk());
  EXPECT_EQ(drawn_, personal);
  EXPECT_EQ(fetched_, 1);

  ASSERT_THAT(engine_->Generate(generate_, nullptr, draws_), IsOk());
  EXPECT_NE(drawn_, personal);
}

TEST_F(TorchEngineTest, APictureDoesNotDependOnThoseMadeWithIt) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  const AdapterSource source = SourceOf(*trained);
  ASSERT_THAT(engine_->Generate(generate_, &source, draws_), IsOk());
  const std::string alone = drawn_.at(0);

  generate_.clear_seeds();
  for (const uint64_t seed : {4, 5, 6}) generate_.add_seeds(seed);
  generate_.set_preview_every_steps(2);
  ASSERT_THAT(engine_->Generate(generate_, &source, draws_), IsOk());

  EXPECT_EQ(drawn_.size(), 3u);
  EXPECT_EQ(Sha256Hex(drawn_.at(1)), Sha256Hex(alone));
  EXPECT_NE(Sha256Hex(drawn_.at(0)), Sha256Hex(alone));
  EXPECT_THAT(previews_, testing::ElementsAre(std::pair(0, 2), std::pair(1, 2), std::pair(2, 2)));
}

TEST_F(TorchEngineTest, MmagicsDialectIsTrainedWrittenAndDrawnWith) {
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
  ASSERT_THAT(engine_->Generate(generate_, &source, draws_), IsOk());
  const std::string alone = drawn_.at(0);
  source = SourceOf(*paper);
  ASSERT_THAT(engine_->Generate(generate_, &source, draws_), IsOk());
  EXPECT_NE(Sha256Hex(drawn_.at(0)), Sha256Hex(alone));
}

// Half the digits of U-Net and autoencoder: another picture, but hardly.
TEST_F(TorchEngineTest, InBfloat16ItTrainsAndDrawsNearlyTheSame) {
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
  ASSERT_THAT((*engine)->Generate(generate_, &source, draws_), IsOk());
  EXPECT_EQ(drawn_.size(), 1u);
}

TEST_F(TorchEngineTest, AGenerationStopsAtTheStepThatSaysSo) {
  int64_t last = 0;
  draws_.on_step = [&](int64_t step, int64_t total) {
    EXPECT_EQ(total, 3);
    last = step;
    return step < 2;
  };

  const auto drawn = engine_->Generate(generate_, nullptr, draws_);

  ASSERT_THAT(drawn, IsOk());
  EXPECT_FALSE(*drawn);
  EXPECT_EQ(last, 2);
  EXPECT_TRUE(drawn_.empty());
}

TEST_F(TorchEngineTest, AnAdapterFileThatIsBrokenIsRefused) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  TrainedAdapter broken = *trained;
  broken.safetensors.resize(broken.safetensors.size() - 4);
  const AdapterSource source = SourceOf(broken);

  EXPECT_THAT(engine_->Generate(generate_, &source, draws_),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(TorchEngineTest, AnAdapterThatCannotBeFetchedIsAnErrorAndIsNotKept) {
  AdapterSource source;
  source.adapter.mutable_blob()->set_sha256("x");
  source.fetch = [] { return absl::UnavailableError("away"); };

  EXPECT_THAT(engine_->Generate(generate_, &source, draws_),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(engine_->Generate(generate_, &source, draws_),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(TorchEngineTest, LibTorchsExceptionsBecomeErrors) {
  generate_.set_width(63);

  EXPECT_THAT(engine_->Generate(generate_, nullptr, draws_), HasCode(absl::StatusCode::kInternal));
}

TEST_F(TorchEngineTest, ABaseModelItDoesNotHaveIsAnErrorOfOurs) {
  generate_.set_base_model("baseModels/other");

  EXPECT_THAT(engine_->Generate(generate_, nullptr, draws_), HasCode(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace vico
