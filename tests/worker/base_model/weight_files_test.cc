// Weights as people have them: numbers of 8 bits, leftovers of training, odd and damaged tensors.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <torch/version.h>

#include "tests/worker/base_model/base_model_fixture.h"
#include "worker/io/float8.h"

namespace vico::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kUNet[] = "unet/diffusion_pytorch_model.safetensors";
constexpr char kVae[] = "vae/diffusion_pytorch_model.safetensors";
constexpr char kText[] = "text_encoder/model.safetensors";

class WeightFilesTest : public BaseModelTest {
 protected:
  absl::StatusOr<BaseNetworks> Loaded() const {
    const auto model = OpenBaseModel(path_);
    if (!model.ok()) return model.status();
    return LoadNetworks(*model);
  }

  void Set(const char* file, const std::string& name, const torch::Tensor& value) {
    ChangeTensors(Path(file), [&](TensorMap& tensors) { tensors[name] = value; });
  }
};

/// The number of a byte, from the formats' definitions.
double Float8(int byte, int exponent_bits, int bias) {
  const int mantissa_bits = 7 - exponent_bits;
  const int exponent = (byte >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const double fraction = (byte & ((1 << mantissa_bits) - 1)) / std::pow(2.0, mantissa_bits);
  const double size = exponent == 0 ? fraction * std::pow(2.0, 1 - bias)
                                    : (1 + fraction) * std::pow(2.0, exponent - bias);
  return byte >= 128 ? -size : size;
}

TEST(Float8Test, EveryByteIsExact) {
  std::vector<std::byte> bytes(256);
  for (size_t i = 0; i < 256; ++i) bytes[i] = static_cast<std::byte>(i);
  const auto e4m3 = FromFloat8(bytes, DType::kF8E4M3, {256});
  const auto e5m2 = FromFloat8(bytes, DType::kF8E5M2, {256});
  for (int i = 0; i < 256; ++i) {
    const auto a = static_cast<double>(e4m3[i].item<float>());
    const auto b = static_cast<double>(e5m2[i].item<float>());
    if ((i & 0x7F) == 0x7F) {
      EXPECT_TRUE(std::isnan(a)) << i;
    } else {
      EXPECT_EQ(a, Float8(i, 4, 7)) << i;
    }
    if ((i & 0x7F) < 0x7C) {
      EXPECT_EQ(b, Float8(i, 5, 15)) << i;
    } else {
      EXPECT_EQ(std::isinf(b), (i & 3) == 0) << i;
    }
  }
#if TORCH_VERSION_MAJOR >= 2
  const auto raw = torch::from_blob(bytes.data(), {256}, torch::kUInt8).clone();
  EXPECT_TRUE(torch::allclose(raw.view(torch::kFloat8_e4m3fn).to(torch::kFloat32), e4m3, 0, 0,
                              /*equal_nan=*/true));
  EXPECT_TRUE(torch::allclose(raw.view(torch::kFloat8_e5m2).to(torch::kFloat32), e5m2, 0, 0,
                              /*equal_nan=*/true));
#endif
}

TEST_F(WeightFilesTest, WeightsOf8BitsAreRead) {
  for (const DType dtype : {DType::kF8E4M3, DType::kF8E5M2}) {
    const std::string path = Path(kUNet);
    std::vector<std::string> bytes;
    std::map<std::string, torch::Tensor> expected;
    {
      const auto file = SafetensorsFile::Open(path).value();
      std::vector<TensorView> views;
      bytes.reserve(file.tensors().size());
      for (const auto& info : file.tensors()) {
        auto& stored = bytes.emplace_back();
        int64_t count = 1;
        for (const int64_t size : info.shape) count *= size;
        for (int64_t i = 0; i < count; ++i) stored.push_back(static_cast<char>((i * 37) % 0x70));
        const auto span = std::as_bytes(std::span(stored));
        views.push_back({info.name, dtype, info.shape, span});
        expected[info.name] = FromFloat8(span, dtype, info.shape);
      }
      ASSERT_THAT(WriteSafetensors(path, views, {}), IsOk());
    }
    const auto networks = Loaded();
    ASSERT_THAT(networks, IsOk());
    for (const auto& item : networks->unet->named_parameters()) {
      EXPECT_TRUE(torch::equal(item.value(), expected.at(item.key()))) << item.key();
    }
  }
}

TEST_F(WeightFilesTest, LeftoversAreCountedAndIgnored) {
  ASSERT_THAT(Loaded(), IsOk());
  EXPECT_THAT(Loaded()->notes, IsEmpty());
  ChangeTensors(Path(kVae), [](TensorMap& tensors) {
    for (const char* name : {"loss.logvar", "loss.discriminator.main.0.weight",
                             "loss.perceptual_loss.net.slice1.0.weight", "model_ema.decay",
                             "model_ema.num_updates", "optimizer_states.0"}) {
      tensors[name] = torch::full({2}, std::numeric_limits<float>::quiet_NaN());
    }
  });
  ChangeTensors(Path(kText), [](TensorMap& tensors) {
    tensors["vision_model.encoder.layers.0.mlp.fc1.weight"] = torch::zeros({2, 2});
    tensors["visual_projection.weight"] = torch::zeros({2, 2});
    tensors["text_projection.weight"] = torch::zeros({2, 2});
    tensors["logit_scale"] = torch::zeros({});
    tensors["text_model.embeddings.position_ids"] = torch::zeros({1, 32}, torch::kInt64);
  });
  const auto networks = Loaded();
  ASSERT_THAT(networks, IsOk());
  EXPECT_THAT(
      networks->notes,
      ElementsAre(HasSubstr("text_encoder/model.safetensors: 5 tensors are not needed"),
                  HasSubstr("vae/diffusion_pytorch_model.safetensors: 6 tensors are not needed")));
}

TEST_F(WeightFilesTest, OddTensorsThatAreNeededAreNamed) {
  const std::string name = "conv_in.bias";
  const auto kept = ReadTensors(SafetensorsFile::Open(Path(kUNet)).value()).at(name);
  Set(kUNet, name, torch::zeros(kept.sizes(), torch::kInt64));
  EXPECT_THAT(Loaded(), HasMessage(HasSubstr("tensor \"conv_in.bias\": must hold floating-point "
                                             "numbers, found I64")));
  Set(kUNet, name, torch::zeros({3}));
  EXPECT_THAT(Loaded(), HasMessage(HasSubstr("tensor \"conv_in.bias\": must be [16], found [3]")));
  ChangeTensors(Path(kUNet), [&](TensorMap& tensors) { tensors.erase(name); });
  EXPECT_THAT(Loaded(), HasMessage(HasSubstr("tensor \"conv_in.bias\": is missing")));
  Set(kUNet, name, kept);
  Set(kUNet, "extra.weight", torch::zeros({1}));
  EXPECT_THAT(Loaded(), HasMessage(HasSubstr("extra.weight\": the network has no such parameter")));
}

TEST_F(WeightFilesTest, WeightsThatAreNotFiniteAreNamed) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  struct Case {
    const char* file;
    const char* tensor;
    float value;
  };
  for (const Case& test :
       {Case{kUNet, "conv_out.bias", nan}, Case{kVae, "decoder.conv_out.bias", inf},
        Case{kText, "text_model.final_layer_norm.bias", -inf}}) {
    torch::Tensor kept;
    ChangeTensors(Path(test.file), [&](TensorMap& tensors) {
      auto& tensor = tensors.at(test.tensor);
      kept = tensor.clone();
      tensor[0] = test.value;
    });
    EXPECT_THAT(Loaded(), HasMessage(testing::AllOf(HasSubstr(test.file), HasSubstr(test.tensor),
                                                    HasSubstr("not finite"))));
    Set(test.file, test.tensor, kept);
  }
  // Finite in the file, but not as fp32.
  Set(kUNet, "conv_out.bias", torch::full({4}, 1e300, torch::kFloat64));
  EXPECT_THAT(Loaded(),
              HasMessage(HasSubstr("conv_out.bias\": holds numbers that are not finite")));
  Set(kUNet, "conv_out.bias", torch::full({4}, 1e30, torch::kFloat32));
  EXPECT_THAT(Loaded(), IsOk());
}

TEST_F(WeightFilesTest, MetadataOfAnyNumberAreRead) {
  Metadata metadata;
  for (int i = 0; i < 80; ++i) metadata["key" + std::to_string(i)] = "value";
  const TensorMap tensors = ReadTensors(SafetensorsFile::Open(Path(kUNet)).value());
  ASSERT_THAT(WriteTensors(Path(kUNet), tensors, metadata), IsOk());
  EXPECT_THAT(Loaded(), IsOk());
}

}  // namespace
}  // namespace vico::worker
