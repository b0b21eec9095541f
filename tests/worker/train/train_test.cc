// Training and generation on the tiny base model with random weights.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "common/schedulers.h"
#include "tests/worker/loaded_tiny_base.h"
#include "worker/personalize/draws.h"
#include "worker/personalize/generator.h"
#include "worker/train/trainer.h"

namespace vico::worker {
namespace {

TrainOptions FewSteps() {
  TrainOptions options;
  options.steps = 4;
  options.batch_size = 2;
  options.attention_learning_rate = 1e-3;
  options.init_word = "robot";
  options.seed = 11;
  return options;
}

class TrainTest : public ::testing::Test {
 protected:
  // A second thread does not speed up networks this small, and slows them on a busy machine.
  TrainTest() { at::set_num_threads(1); }

  Base base = LoadTinyBase();
  torch::Tensor pictures = [] {
    at::manual_seed(4);
    return at::rand({3, 3, 64, 64});
  }();
};

const OnStep kGoOn = [](const StepReport&, Adapter&) { return true; };

TEST(DrawsTest, AreAFunctionOfSeedPurposeAndIndex) {
  const auto a = DrawNormal({4}, 1, Purpose::kNoise, 7);
  EXPECT_TRUE(at::equal(a, DrawNormal({4}, 1, Purpose::kNoise, 7)));
  EXPECT_FALSE(at::equal(a, DrawNormal({4}, 2, Purpose::kNoise, 7)));
  EXPECT_FALSE(at::equal(a, DrawNormal({4}, 1, Purpose::kStepNoise, 7)));
  EXPECT_FALSE(at::equal(a, DrawNormal({4}, 1, Purpose::kNoise, 8)));
}

TEST_F(TrainTest, TheSameSeedTrainsTheSameAdapter) {
  const auto first = TrainAdapter(base, pictures, FewSteps(), kGoOn)->NamedTensors();
  const auto second = TrainAdapter(base, pictures, FewSteps(), kGoOn)->NamedTensors();
  for (const auto& [name, tensor] : first) EXPECT_TRUE(at::equal(tensor, second.at(name))) << name;
}

TEST_F(TrainTest, MinSnrChangesTheTrainingAndNotTheReportedLoss) {
  std::vector<double> first_losses;
  std::vector<torch::Tensor> words;
  for (const double gamma : {0.0, 0.1, 1e9}) {
    TrainOptions options = FewSteps();
    options.min_snr_gamma = gamma;
    std::vector<double> losses;
    Adapter adapter =
        TrainAdapter(base, pictures, options, [&](const StepReport& report, Adapter&) {
          losses.push_back(report.loss);
          return true;
        });
    first_losses.push_back(losses.front());
    words.push_back(adapter->placeholder().detach().clone());
  }
  EXPECT_EQ(first_losses[0], first_losses[1]);
  EXPECT_FALSE(at::equal(words[0], words[1]));
  // No SNR reaches 1e9: every weight is 1.
  EXPECT_LT((words[0] - words[2]).abs().max().item<double>(), 1e-5);
}

TEST_F(TrainTest, CosineRatesEndNearZeroAndConstantOnesDoNot) {
  const auto last_move = [&](bool cosine) {
    TrainOptions options = FewSteps();
    options.steps = 40;
    options.cosine_rates = cosine;
    torch::Tensor before, after;
    TrainAdapter(base, pictures, options, [&](const StepReport& report, Adapter& adapter) {
      if (report.step >= 39) {
        before = after;
        after = adapter->placeholder().detach().clone();
      }
      return true;
    });
    return (after - before).abs().max().item<double>();
  };
  // Adam moves by about its rate, 5e-3; half a cosine is at 0.0015 of it in the last of 40 steps.
  EXPECT_LT(last_move(true), 1e-4);
  EXPECT_GT(last_move(false), 1e-3);
}

TEST_F(TrainTest, CanStartAsTheBasesSelfAttention) {
  TrainOptions options = FewSteps();
  options.steps = 0;
  options.start = BlockStart::kSelfAttention;
  Adapter adapter = TrainAdapter(base, pictures, options, kGoOn);
  const std::string site = adapter->site_names().front();
  EXPECT_TRUE(
      at::equal(adapter->NamedTensors().at(site + ".image_cross_attention.attn2.to_q.weight"),
                base.unet->named_parameters()[site + ".transformer_blocks.0.attn1.to_q.weight"]));
}

TEST_F(TrainTest, EveryTrainableTensorMovesAndNoBaseWeight) {
  std::vector<torch::Tensor> before;
  for (const auto& p : base.unet->parameters()) before.push_back(p.clone());
  TrainOptions none = FewSteps();
  none.steps = 0;
  const auto start = TrainAdapter(base, pictures, none, kGoOn)->NamedTensors();
  const auto end = TrainAdapter(base, pictures, FewSteps(), kGoOn)->NamedTensors();
  for (const auto& [name, tensor] : start) EXPECT_FALSE(at::equal(tensor, end.at(name))) << name;
  const auto after = base.unet->parameters();
  for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(at::equal(before[i], after[i]));
}

TEST_F(TrainTest, ThePlaceholderStartsAsTheInitWord) {
  TrainOptions options = FewSteps();
  options.steps = 0;
  auto adapter = TrainAdapter(base, pictures, options, kGoOn);
  const auto id = base.tokenizer.SingleToken("robot");
  EXPECT_TRUE(at::equal(adapter->placeholder(), base.text->WordEmbedding(*id)));
}

TEST_F(TrainTest, StopsWhenTheCallbackReturnsFalse) {
  int calls = 0;
  TrainAdapter(base, pictures, FewSteps(), [&](const StepReport& report, Adapter&) {
    ++calls;
    EXPECT_EQ(report.step, calls);
    EXPECT_GT(report.loss, 0);
    return calls < 2;
  });
  EXPECT_EQ(calls, 2);
}

TEST_F(TrainTest, OnePictureIsItsOwnReference) {
  EXPECT_NO_THROW(TrainAdapter(base, pictures.narrow(0, 0, 1), FewSteps(), kGoOn));
}

TEST_F(TrainTest, AnInitWordOfSeveralTokensIsRefused) {
  TrainOptions options = FewSteps();
  options.init_word = "xylophone";
  EXPECT_THROW(TrainAdapter(base, pictures, options, kGoOn), c10::Error);
}

TEST_F(TrainTest, FindsAMaskForEachSiteAndPictureTheFinestSiteLast) {
  auto adapter = TrainAdapter(base, pictures, FewSteps(), kGoOn);
  const auto masks = LearnedMasks(base, adapter, pictures);
  const auto sites = adapter->site_names();
  ASSERT_EQ(masks.size(), 3 * sites.size());
  for (size_t i = 0; i < masks.size(); ++i) {
    EXPECT_EQ(masks[i].picture, static_cast<int64_t>(i % 3));
    EXPECT_EQ(masks[i].site, sites[i / 3]);
    EXPECT_GT(masks[i].coverage, 0);
    EXPECT_LE(masks[i].coverage, 1);
  }
  EXPECT_EQ(masks.back().mask.sizes(), (std::vector<int64_t>{16, 16}));
}

class GenerateTest : public TrainTest {
 protected:
  GenerateTest() {
    options.prompt = "a photo of S* on the beach";
    options.steps = 3;
    options.height = options.width = 64;
    options.seeds = {5, 6};
    personal.adapter = TrainAdapter(base, pictures, FewSteps(), kGoOn);
    personal.reference = ReferenceLatent(base, pictures.narrow(0, 0, 1));
  }

  std::vector<torch::Tensor> Draw(Personalization* with) {
    std::vector<torch::Tensor> result(options.seeds.size());
    GenerateObserver observer;
    observer.on_picture = [&](size_t i, const torch::Tensor& image) { result[i] = image.clone(); };
    EXPECT_TRUE(GeneratePictures(base, with, options, observer));
    return result;
  }

  Personalization personal;
  GenerateOptions options;
};

double Difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST_F(GenerateTest, ASeedsPictureDoesNotDependOnOtherSeeds) {
  for (const auto scheduler : kSchedulerNames) {
    options.scheduler = scheduler;
    options.steps = 4;
    options.eta = 0.5;
    options.seeds = {5, 6, 7};
    const auto three = Draw(&personal);
    options.seeds = {6};
    const auto one = Draw(&personal);
    EXPECT_TRUE(at::isfinite(three[0]).all().item<bool>()) << scheduler;
    EXPECT_LT(Difference(three[1], one[0]), 1e-4) << scheduler;
    EXPECT_GT(Difference(three[0], one[0]), 1e-2) << scheduler;
  }
}

TEST_F(GenerateTest, ASeedsPictureDoesNotDependOnOtherSeedsInMmagicsDialect) {
  TrainOptions training = FewSteps();
  training.dialect = Dialect::kMmagic;
  personal.adapter = TrainAdapter(base, pictures, training, kGoOn);
  personal.dialect = Dialect::kMmagic;
  EXPECT_EQ(personal.adapter->site_names(), std::vector<std::string>{"up_blocks.1.attentions.0"});
  options.seeds = {5, 6, 7};
  const auto three = Draw(&personal);
  options.seeds = {6};
  const auto one = Draw(&personal);
  EXPECT_LT(Difference(three[1], one[0]), 1e-4);
  EXPECT_GT(Difference(three[0], one[0]), 1e-2);
  personal.dialect = Dialect::kPaper;
  EXPECT_GT(Difference(one[0], Draw(&personal)[0]), 1e-5);
}

TEST_F(GenerateTest, AdapterPromptNegativePromptAndGuidanceMatter) {
  const auto picture = Draw(&personal)[0];
  EXPECT_EQ(picture.sizes(), (std::vector<int64_t>{3, 64, 64}));
  EXPECT_GE(picture.min().item<double>(), 0);
  EXPECT_LE(picture.max().item<double>(), 1);
  options.negative_prompt = "a red car";
  const auto negative = Draw(&personal)[0];
  EXPECT_GT(Difference(picture, negative), 1e-5);
  options.negative_prompt.clear();
  options.guidance_scale = 1;
  EXPECT_GT(Difference(picture, Draw(&personal)[0]), 1e-5);
  options.guidance_scale = 7.5;
  options.prompt = "a photo of a robot on the beach";
  EXPECT_GT(Difference(picture, Draw(nullptr)[0]), 1e-5);
}

TEST_F(GenerateTest, DrawsPreviewsAndStopsBetweenSteps) {
  options.preview_every = 1;
  int previews = 0;
  int pictures_drawn = 0;
  GenerateObserver observer;
  observer.on_preview = [&](size_t, int64_t, const torch::Tensor& image) {
    EXPECT_EQ(image.sizes(), (std::vector<int64_t>{3, 64, 64}));
    ++previews;
  };
  observer.on_picture = [&](size_t, const torch::Tensor&) { ++pictures_drawn; };
  observer.on_step = [](int64_t step, int64_t) { return step < 2; };
  EXPECT_FALSE(GeneratePictures(base, &personal, options, observer));
  EXPECT_EQ(previews, 4);  // two pictures at each of two steps
  EXPECT_EQ(pictures_drawn, 0);
}

TEST_F(GenerateTest, RefusesSidesTheNetworksCannotHalve) {
  options.width = 60;
  EXPECT_THROW(GeneratePictures(base, nullptr, options, {}), c10::Error);
}

}  // namespace
}  // namespace vico::worker
