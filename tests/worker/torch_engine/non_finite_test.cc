// NaN and infinity never become a picture or an adapter: the job names step and cause.
#include <filesystem>

#include "tests/worker/torch_engine/torch_engine_fixture.h"
#include "worker/io/tensors.h"
#include "worker/model/finite.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr char kUNetFile[] = "unet/diffusion_pytorch_model.safetensors";
constexpr char kVaeFile[] = "vae/diffusion_pytorch_model.safetensors";
constexpr char kTextFile[] = "text_encoder/model.safetensors";

class NonFiniteTest : public TorchEngineTest {
 protected:
  /// A copy of the base model, with all numbers of one tensor replaced.
  absl::StatusOr<std::unique_ptr<Engine>> EngineWith(const char* file, const std::string& tensor,
                                                     float value,
                                                     const std::string& precision = "fp32") {
    const std::string path = other_.path() + "/tiny";
    fs::remove_all(path);
    fs::copy(base_, path, fs::copy_options::recursive);
    TensorMap tensors = ReadTensors(SafetensorsFile::Open(path + "/" + file).value());
    auto& changed = tensors.at(tensor);
    changed = torch::full(changed.sizes(), value, torch::kFloat32);
    EXPECT_THAT(WriteTensors(path + "/" + file, tensors, {}), IsOk());
    return OpenTorchEngine({.base_models = {path},
                            .device = "cpu",
                            .precision = precision,
                            .threads = 1,
                            .code_version = "test"},
                           Log::Off());
  }

  /// The trained adapter with all numbers of the tensors that `which` names replaced.
  static TrainedAdapter Changed(const TrainedAdapter& trained, const std::string& which,
                                float value) {
    const auto file = SafetensorsFile::FromBytes(trained.safetensors, "adapter").value();
    TensorMap tensors = ReadTensors(file);
    for (auto& [name, tensor] : tensors) {
      if (name.find(which) != std::string::npos) tensor.fill_(value);
    }
    TrainedAdapter changed = trained;
    changed.safetensors = SerializeTensors(tensors, file.metadata()).value();
    return changed;
  }

  TempFolder other_;
};

TEST(IsFiniteTest, FindsOneNumberAmongMany) {
  for (const auto type : {torch::kFloat32, torch::kFloat64, torch::kBFloat16, torch::kFloat16}) {
    auto tensor = torch::ones({1000}, type);
    EXPECT_TRUE(IsFinite(tensor));
    for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
      tensor[777] = value;
      EXPECT_FALSE(IsFinite(tensor)) << value;
    }
    tensor[5] = HUGE_VAL;  // with -infinity the sum is NaN
    EXPECT_FALSE(IsFinite(tensor));
  }
  // The sum is infinite, but no number is.
  EXPECT_TRUE(IsFinite(torch::full({100}, 3e38, torch::kFloat32)));
  EXPECT_TRUE(IsFinite(torch::zeros({0})));
}

TEST_F(NonFiniteTest, ABaseModelWithNanOrInfinityIsRefusedWhenItIsLoaded) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const auto& [file, tensor] : std::vector<std::pair<const char*, std::string>>{
             {kUNetFile, "conv_out.weight"},
             {kVaeFile, "decoder.conv_out.bias"},
             {kTextFile, "text_model.final_layer_norm.weight"}}) {
      const auto engine = EngineWith(file, tensor, value);
      EXPECT_THAT(engine, HasCode(absl::StatusCode::kInvalidArgument));
      EXPECT_THAT(engine, HasMessage(AllOf(HasSubstr(file), HasSubstr(tensor))));
    }
  }
}

TEST_F(NonFiniteTest, WeightsThatOverflowInBf16AreNamed) {
  EXPECT_THAT(EngineWith(kUNetFile, "conv_in.bias", 3.4e38F), IsOk());
  EXPECT_THAT(EngineWith(kUNetFile, "conv_in.bias", 3.4e38F, "bf16"),
              HasMessage(AllOf(HasSubstr("unet"), HasSubstr("conv_in.bias"))));
}

// Finite weights, whose results are not.
TEST_F(NonFiniteTest, ABaseModelThatOverflowsFailsTheGenerationWithTheStepAndTheCause) {
  struct Case {
    const char* file;
    const char* tensor;
    const char* where;
  };
  for (const Case& test :
       {Case{kUNetFile, "conv_out.weight", "step 1 of 3: the U-Net's prediction"},
        Case{kVaeFile, "decoder.conv_out.weight", "step 3 of 3: decoding: the picture"},
        Case{kTextFile, "text_model.final_layer_norm.weight", "the text encoder's output"}}) {
    for (const std::string precision : {"fp32", "bf16"}) {
      auto engine = EngineWith(test.file, test.tensor, 3e38F, precision);
      ASSERT_THAT(engine, IsOk());
      drawn_.clear();
      const auto drawn = (*engine)->Generate(generate_, {}, draws_);
      EXPECT_THAT(drawn, HasReason("NON_FINITE")) << test.tensor;
      EXPECT_THAT(drawn, HasCode(absl::StatusCode::kFailedPrecondition));
      EXPECT_THAT(drawn, HasMessage(AllOf(HasSubstr(test.where),
                                          HasSubstr("the cause is the base model"))));
      EXPECT_TRUE(drawn_.empty());
    }
  }
}

TEST_F(NonFiniteTest, EverySchedulerStopsAtTheFirstStep) {
  auto engine = EngineWith(kUNetFile, "conv_out.weight", 3e38F);
  ASSERT_THAT(engine, IsOk());
  for (const char* scheduler : {"ddim", "ddpm", "pndm", "euler", "euler_ancestral", "heun",
                                "dpmsolver++", "dpmsolver++_karras", "unipc", "lcm"}) {
    generate_.set_scheduler(scheduler);
    generate_.set_preview_every_steps(1);
    EXPECT_THAT((*engine)->Generate(generate_, {}, draws_),
                AllOf(HasReason("NON_FINITE"), HasMessage(HasSubstr("step 1 of"))))
        << scheduler;
  }
  EXPECT_TRUE(drawn_.empty());
  EXPECT_TRUE(previews_.empty());
}

TEST_F(NonFiniteTest, AnAbsurdAdapterIsTheCause) {
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  struct Case {
    const char* tensors;
    float value;
    const char* where;
  };
  for (const Case& test : {Case{"attn", 1e30F, "step 1 of 3: the U-Net's prediction"},
                           Case{"ff.net", 1e30F, "step 1 of 3: the U-Net's prediction"},
                           Case{"placeholder_embedding", 3e38F, "the text encoder's output"}}) {
    const AdapterSource source = SourceOf(Changed(*trained, test.tensors, test.value));
    drawn_.clear();
    const auto drawn = engine_->Generate(generate_, {.adapter = &source}, draws_);
    EXPECT_THAT(drawn, HasReason("NON_FINITE")) << test.tensors;
    EXPECT_THAT(drawn,
                HasMessage(AllOf(HasSubstr(test.where), HasSubstr("the cause is the adapter"))));
    EXPECT_TRUE(drawn_.empty());
  }
  // The engine still works.
  const AdapterSource source = SourceOf(*trained);
  EXPECT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_), IsOk());
}

TEST_F(NonFiniteTest, ATrainingNamesTheBaseModelInsteadOfItsLearningRates) {
  auto engine = EngineWith(kUNetFile, "conv_out.weight", 3e38F);
  ASSERT_THAT(engine, IsOk());
  EXPECT_THAT((*engine)->Train(train_, pictures_, shows_),
              AllOf(HasReason("NON_FINITE"),
                    HasMessage(AllOf(HasSubstr("training step 1"), HasSubstr("base model")))));
  engine = EngineWith(kVaeFile, "encoder.conv_out.weight", 3e38F);
  ASSERT_THAT(engine, IsOk());
  EXPECT_THAT((*engine)->Train(train_, pictures_, shows_),
              AllOf(HasReason("NON_FINITE"), HasMessage(HasSubstr("encoding a picture"))));
}

TEST_F(NonFiniteTest, ASampleOfATrainingThatIsNotFiniteFailsIt) {
  auto engine = EngineWith(kVaeFile, "decoder.conv_out.weight", 3e38F);
  ASSERT_THAT(engine, IsOk());
  EXPECT_THAT((*engine)->Train(train_, pictures_, shows_),
              AllOf(HasReason("NON_FINITE"), HasMessage(AllOf(HasSubstr("training step 2, sample"),
                                                              HasSubstr("decoding")))));
  EXPECT_TRUE(samples_.empty());
}

}  // namespace
}  // namespace vico::worker
