// Compares mmagic's dialect with mmagic's own code, including its train_step() and infer();
// recorded by record_mmagic.py.
#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/golden/files.h"
#include "tests/golden/tensors.h"
#include "tests/golden/vico_helpers.h"
#include "worker/diffusion/scheduler.h"
#include "worker/personalize/guided_network.h"
#include "worker/train/train_step.h"

namespace vico {

using worker::Adapter;
using worker::AdditiveOtsuMask;
using worker::AttentionRegularizer;
using worker::Base;
using worker::BlockStart;
using worker::ClipText;
using worker::ClipTextConfig;
using worker::Dialect;
using worker::Gradients;
using worker::GuidedNetwork;
using worker::GuidedRow;
using worker::KeyMask;
using worker::Look;
using worker::MakeScheduler;
using worker::Personalization;
using worker::Schedule;
using worker::SiteFeatures;
using worker::TargetPass;
using worker::TensorMap;
using worker::TokenPositions;
using worker::TrainingStep;
using worker::TrainOptions;
using worker::TrainRows;
using worker::TransformerVisitor;
using worker::UNet;
using worker::UNetConfig;
using worker::Vae;

namespace {

using golden::FillByFormula;
using golden::Load;
using golden::Near;
using golden::Open;
using golden::ReadFile;
using golden::ReducedUNet;

constexpr int64_t kSide = 16, kTokens = 16, kTextWidth = 24, kVocabulary = 49408;

/// record_mmagic.py: wave().
torch::Tensor Wave(int64_t seed, torch::IntArrayRef shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  const auto i = torch::arange(count, torch::kFloat64);
  const auto phase = static_cast<double>(seed);
  return (1.4 * torch::sin(phase + (1.1 + 0.1 * phase) * i)).reshape(shape).to(torch::kFloat);
}

UNetConfig MmagicUNet() {
  UNetConfig config = ReducedUNet();
  config.norm_num_groups = 8;
  return config;
}

/// A sample of the autoencoder's posterior, scaled.
torch::Tensor Latent(int64_t seed) { return 5 * Wave(seed, {1, 4, kSide, kSide}) * 0.18215; }

/// record_mmagic.py: digest().
torch::Tensor Digest(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().to(torch::kFloat64).flatten();
  const int64_t count = std::min<int64_t>(64, flat.numel());
  const auto chosen = torch::arange(count, torch::kLong).mul(flat.numel()).floor_divide(count);
  return torch::cat({flat.index_select(0, chosen), flat.norm().unsqueeze(0)}).to(torch::kFloat);
}

/// The golden vocabulary, padded so that the start and end tokens have CLIP's ids.
Tokenizer FilledUpTokenizer() {
  auto words = nlohmann::json::parse(ReadFile("tokenizer/vocab.json"));
  const auto size = static_cast<int64_t>(words.size());
  words["<|startoftext|>"] = kVocabulary - 2;
  words["<|endoftext|>"] = kVocabulary - 1;
  for (int64_t i = 0; i < kVocabulary - size; ++i) {
    words["filler" + std::to_string(i)] = size - 2 + i;
  }
  return Tokenizer::Create(words.dump(), ReadFile("tokenizer/merges.txt")).value();
}

class MmagicGolden : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ClipTextConfig text;
    text.vocab_size = kVocabulary;
    text.hidden_size = kTextWidth;
    text.intermediate_size = 48;
    text.num_hidden_layers = 2;
    text.num_attention_heads = 3;
    text.max_position_embeddings = kTokens;
    base_ = new Base{ClipText(text), Vae(nullptr), UNet(MmagicUNet()), Schedule({}),
                     FilledUpTokenizer()};
    recorded_ = new TensorMap(Load("io/mmagic.safetensors"));
  }
  static void TearDownTestSuite() {
    delete base_;
    delete recorded_;
  }

  MmagicGolden()
      : adapter_(base_->unet->transformers(), base_->sites(Dialect::kMmagic), kTextWidth, 0,
                 BlockStart::kDefault) {
    std::map<std::string, torch::Tensor> named = adapter_->NamedTensors();
    named.erase("placeholder_embedding");
    for (auto& item : base_->unet->named_parameters()) named.emplace(item.key(), item.value());
    for (auto& item : base_->text->named_parameters()) named.emplace(item.key(), item.value());
    FillByFormula(named);
    for (auto& p : base_->unet->parameters()) p.set_requires_grad(false);
    for (auto& p : base_->text->parameters()) p.set_requires_grad(false);
    const torch::NoGradGuard no_grad;
    const auto dog = base_->tokenizer.SingleToken("dog");
    adapter_->placeholder().copy_(base_->text->WordEmbedding(dog.value()));
  }

  static const torch::Tensor& Recorded(const std::string& name) { return recorded_->at(name); }

  static inline Base* base_ = nullptr;
  static inline TensorMap* recorded_ = nullptr;
  Adapter adapter_;
};

TEST_F(MmagicGolden, SitesAreTheirs) {
  const auto metadata = Open("io/mmagic.safetensors").metadata();
  EXPECT_EQ(nlohmann::json::parse(metadata.at("sites")).get<std::vector<std::string>>(),
            adapter_->site_names());
  EXPECT_EQ(adapter_->site_names(),
            (std::vector<std::string>{"up_blocks.1.attentions.2", "up_blocks.2.attentions.1",
                                      "up_blocks.3.attentions.0", "up_blocks.3.attentions.2"}));
}

/// Repeats the image attention on a pass's features to read the output of each site.
class Replay : public TransformerVisitor {
 public:
  Replay(Adapter& adapter, const std::vector<SiteFeatures>& seen)
      : adapter_(adapter), seen_(seen) {}

  bool WantsProbabilities(int64_t index) const override { return IsSite(index); }
  torch::Tensor Visit(int64_t index, const torch::Tensor& tokens, const torch::Tensor&) override {
    if (!IsSite(index)) return tokens;
    const size_t site = outputs.size();
    const auto mask = AdditiveOtsuMask(seen_[site].placeholder).unsqueeze(1).unsqueeze(1);
    outputs.push_back(adapter_->block(site)(tokens, seen_[site].tokens, mask));
    return outputs.back();
  }
  bool IsLast(int64_t) const override { return false; }

  std::vector<torch::Tensor> outputs;

 private:
  bool IsSite(int64_t index) const {
    const auto& sites = adapter_->sites();
    return std::find(sites.begin(), sites.end(), index) != sites.end();
  }

  Adapter& adapter_;
  const std::vector<SiteFeatures>& seen_;
};

/// One call of the U-Net with M pictures.
class MmagicCall : public MmagicGolden, public ::testing::WithParamInterface<int64_t> {
 protected:
  TargetPass Run(const Look& look) {
    return RunTarget(base_->unet, adapter_, look,
                     RunReference(base_->unet, adapter_->sites(), reference_, timestep_, text_,
                                  look.ReferencePositions(positions_)),
                     latent_, timestep_, text_, positions_);
  }

  const int64_t pictures_ = GetParam();
  const Look look_ = {.dialect = Dialect::kMmagic, .pictures_per_call = pictures_};
  const std::string name_ = "call" + std::to_string(pictures_);
  const torch::NoGradGuard no_grad_;
  const torch::Tensor latent_ = Wave(10 + pictures_, {pictures_, 4, kSide, kSide});
  const torch::Tensor reference_ = Wave(30 + pictures_, {pictures_, 4, kSide, kSide});
  const torch::Tensor text_ = Wave(50 + pictures_, {pictures_, kTokens, kTextWidth});
  const torch::Tensor row_ = torch::arange(pictures_, torch::kLong);
  const torch::Tensor timestep_ = (row_ * 313 + 77).remainder(1000);
  const TokenPositions positions_ = {2 + row_.remainder(5), 8 + row_.remainder(4)};
};

TEST_P(MmagicCall, MapsMasksRegularizerAndPredictionAreTheirs) {
  const auto pass = Run(look_);
  ASSERT_EQ(pass.seen.size(), 4u);
  auto reg = torch::zeros({});
  for (size_t i = 0; i < pass.seen.size(); ++i) {
    const std::string site = name_ + ".site" + std::to_string(i);
    EXPECT_TRUE(Near(pass.seen[i].placeholder, Recorded(site + ".map"), 1e-5)) << site;
    const auto mask = AdditiveOtsuMask(pass.seen[i].placeholder);
    EXPECT_TRUE(torch::equal(mask, Recorded(site + ".mask"))) << site;
    EXPECT_TRUE(mask.eq(0).any().item<bool>() && mask.eq(1).any().item<bool>()) << site;
    reg = reg + AttentionRegularizer(pass.seen[i]);
  }
  EXPECT_TRUE(Near(reg, Recorded(name_ + ".reg"), 1e-5));
  EXPECT_TRUE(Near(pass.predicted, Recorded(name_ + ".output"), 1e-4));
}

TEST_P(MmagicCall, OutputsOfTheSitesAreTheirs) {
  const auto pass = Run(look_);
  Replay replay(adapter_, pass.seen);
  const auto predicted = base_->unet(latent_, timestep_, text_, &replay);
  EXPECT_TRUE(Near(predicted, pass.predicted, 0));
  for (size_t i = 0; i < pass.seen.size(); ++i) {
    const auto& expected = Recorded(name_ + ".site" + std::to_string(i) + ".output");
    EXPECT_LT(golden::RelativeError(Digest(replay.outputs[i]), expected), 1e-5) << i;
  }
}

TEST_P(MmagicCall, EveryRuleOfTheDialectMattersThere) {  // shows that the tests above are sensitive
  const auto& expected = Recorded(name_ + ".output");
  Look other = look_;
  other.mask = KeyMask::kNone;
  EXPECT_FALSE(Near(Run(other).predicted, expected, 1e-3));
  other = look_;
  other.dialect = Dialect::kPaper;
  EXPECT_FALSE(Near(Run(other).predicted, expected, 1e-3));
  if (pictures_ == 1) return;
  other = look_;
  other.pictures_per_call = 1;
  EXPECT_FALSE(Near(Run(other).predicted, expected, 1e-3));
}

INSTANTIATE_TEST_SUITE_P(Pictures, MmagicCall, ::testing::Values(1, 2, 8));

// Tolerance factor. The gradients of this layer norm nearly cancel: recordings of mmagic itself on
// several CPUs differ by up to 7.6e-4, and ours from them by 1.2e-3. 1 for all others.
double Allowance(const std::string& name) {
  return name.starts_with("up_blocks.1.attentions.2.image_cross_attention.norm2.") ? 5 : 1;
}

TEST_F(MmagicGolden, LossesGradientsAndAdamWStepsAreTheirs) {
  const std::vector<std::string> prompts = {"a photo of a S*", "a close-up photo of the S*",
                                            "a rendition of the S*", "a dark photo of the S*",
                                            "the photo of a S*"};
  const std::vector<int64_t> timesteps = {501, 37, 803, 250, 981};
  TrainOptions options;
  options.dialect = Dialect::kMmagic;
  options.embedding_learning_rate = 5e-3;
  options.attention_learning_rate = 1e-3;
  options.regularizer_weight = 0.5;
  TrainingStep train_step(*base_, adapter_, options);
  const auto named = adapter_->NamedTensors();
  ASSERT_EQ(named.size(), 81u);
  std::map<std::string, torch::Tensor> start;
  for (const auto& [name, tensor] : named) start[name] = tensor.detach().clone();

  std::vector<double> change_errors;
  for (size_t step = 0; step < prompts.size(); ++step) {
    const auto k = static_cast<int64_t>(step);
    TrainRows rows;
    rows.target = Latent(60 + k).narrow(0, 0, 1);
    rows.reference = Latent(70 + k).narrow(0, 0, 1);
    rows.timestep = torch::tensor({timesteps[step]}, torch::kLong);
    rows.noise = Wave(80 + k, {1, 4, kSide, kSide});
    rows.prompts = {prompts[step]};
    ASSERT_FALSE(base_->tokenizer.EncodePrompt(prompts[step], "S*", kTokens).truncated);
    Gradients gradients = train_step.Compute(rows);
    const auto& losses = Recorded("train.losses")[k];
    EXPECT_NEAR(gradients.loss, losses[0].item<double>(), 1e-4) << step;
    EXPECT_NEAR(0.5 * gradients.loss_reg, losses[1].item<double>(), 1e-4) << step;
    train_step.Apply(std::move(gradients), k);

    for (const auto& item : adapter_->named_parameters()) {
      ASSERT_TRUE(item.value().grad().defined()) << item.key();
    }
    if (step == 0) {
      EXPECT_LT(golden::RelativeError(Digest(adapter_->placeholder().grad()),
                                      Recorded("train.gradient.placeholder_embedding")),
                1e-3);
      for (size_t i = 0; i < adapter_->sites().size(); ++i) {
        const std::string prefix = adapter_->site_names()[i] + ".image_cross_attention.";
        for (const auto& item : adapter_->block(i)->named_parameters()) {
          const auto& expected = Recorded("train.gradient." + prefix + item.key());
          const std::string name = prefix + item.key();
          EXPECT_LT(golden::RelativeError(Digest(item.value().grad()), expected),
                    1e-3 * Allowance(name))
              << name;
        }
      }
    }
    const auto& expected_names = *recorded_;
    for (const auto& [name, tensor] : named) {
      const auto found = expected_names.find("train.after" + std::to_string(step + 1) + "." + name);
      if (found == expected_names.end()) {
        EXPECT_TRUE(step == 2 || step == 3);
        continue;
      }
      EXPECT_LT(golden::RelativeError(Digest(tensor), found->second), 1e-4 * Allowance(name))
          << step << " " << name;
      // Parameters change little, so the change is compared, too, without the norm.
      const auto before = Digest(start[name]);
      const auto change = (Digest(tensor) - before).slice(0, 0, -1);
      const auto expected_change = (found->second - before).slice(0, 0, -1);
      change_errors.push_back(golden::RelativeError(change, expected_change));
      EXPECT_LT(change_errors.back(), 5e-2 * Allowance(name)) << step << " " << name;
    }
  }
  // AdamW turns a rounding error of a gradient near zero into a full step, so single tensors may
  // differ, but not half of them. Without weight decay the median would be about 1e-3.
  ASSERT_EQ(change_errors.size(), 3u * 81u);
  std::nth_element(change_errors.begin(), change_errors.begin() + 121, change_errors.end());
  EXPECT_LT(change_errors[121], 1e-4);
}

TEST_F(MmagicGolden, TenGuidedDdimStepsAreTheirs) {
  const torch::NoGradGuard no_grad;
  Personalization personal;
  personal.adapter = adapter_;
  personal.dialect = Dialect::kMmagic;
  personal.reference = Latent(4);
  const auto prompt =
      EncodeGuidedPrompt(*base_, &personal, "a photo of a S* on the beach", "", "S*", 7.5);
  std::vector<GuidedRow> rows(2, {.personal = &personal, .prompt = &prompt, .guidance_scale = 7.5});
  GuidedNetwork network(*base_, 4);
  const auto scheduler = MakeScheduler("ddim", base_->schedule, 10, 0);
  const auto& recorded = Recorded("generate.timesteps");
  ASSERT_EQ(scheduler->timesteps(),
            std::vector<double>(recorded.data_ptr<int64_t>(), recorded.data_ptr<int64_t>() + 10));

  // Two pictures, of which each counts as a call of its own. The initial state is one whose masks
  // do not depend on the rounding of a threshold.
  auto x = torch::cat({Wave(9, {1, 4, kSide, kSide}), Wave(3, {1, 4, kSide, kSide})});
  for (int64_t i = 0; i < 10; ++i) {
    for (GuidedRow& row : rows) row.timestep = scheduler->timesteps()[static_cast<size_t>(i)];
    x = scheduler->Step(network(x, rows), i, x, {});
    EXPECT_LT(golden::RelativeError(x[1], Recorded("generate.states")[i]), 1e-4) << "step " << i;
  }
}

}  // namespace
}  // namespace vico
