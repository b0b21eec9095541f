// Compares runs that start from a picture with diffusers' pipelines; recorded by record_img2img.py.
#include <string>

#include <gtest/gtest.h>

#include "common/schedulers.h"
#include "tests/golden/tensors.h"
#include "tests/support/status_matchers.h"
#include "worker/base_model/base_model.h"
#include "worker/diffusion/sample.h"
#include "worker/io/image.h"
#include "worker/personalize/generator.h"

namespace vico {

using worker::Base;
using worker::LatentMask;
using worker::LoadMask;
using worker::LoadNetworks;
using worker::MakeScheduler;
using worker::MakeTokenizer;
using worker::OpenBaseModel;
using worker::Pixels;
using worker::SampleStart;
using worker::Schedule;
using worker::TensorMap;

namespace {

using golden::Load;

constexpr int64_t kSteps = 10;
constexpr double kGuidance = 7.5;

Pixels PixelsOf(const torch::Tensor& picture) {  // [H, W, 3]
  const auto bytes = picture.contiguous();
  const auto* data = bytes.data_ptr<uint8_t>();
  return {static_cast<int>(bytes.size(1)),
          static_cast<int>(bytes.size(0)),
          {data, data + bytes.numel()}};
}

class Img2ImgGolden : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto model = OpenBaseModel("tests/golden/base").value();
    const auto networks = LoadNetworks(model).value();
    base_ = new Base{networks.text, networks.vae, networks.unet, Schedule(model.schedule),
                     MakeTokenizer(model).value()};
    recorded_ = new TensorMap(Load("io/img2img.safetensors"));
  }
  static void TearDownTestSuite() {
    delete base_;
    delete recorded_;
  }

  static const torch::Tensor& Recorded(const std::string& name) { return recorded_->at(name); }

  /// The latents of the run, with the recorded noise.
  static torch::Tensor Run(const std::string& scheduler, double eta, double share, bool masked) {
    const auto posterior = base_->Encode(ToTensor(PixelsOf(Recorded("picture"))).unsqueeze(0));
    SampleStart start = {.noise = Recorded("noise"),
                         .original = posterior.mean + posterior.std * Recorded("posterior")};
    start.skipped_steps = kSteps - DenoisingSteps(kSteps, share);
    if (masked) start.redrawn = Recorded("redrawn.latent");
    const auto predict = [&](const torch::Tensor& x, double timestep) {
      const auto t = torch::full({2}, timestep);
      const auto halves = base_->unet(at::cat({x, x}), t, Recorded("text")).chunk(2);
      return halves[0] + kGuidance * (halves[1] - halves[0]);
    };
    const auto noise = [&](int64_t call) { return Recorded("noises")[call]; };
    const auto made = MakeScheduler(scheduler, base_->schedule, kSteps, eta);
    return Sample(predict, *made, start, noise, {});
  }

  const torch::NoGradGuard no_grad_;
  static inline Base* base_ = nullptr;
  static inline TensorMap* recorded_ = nullptr;
};

TEST_F(Img2ImgGolden, AMaskIsThatOfDiffusers) {
  const auto png = EncodePng(PixelsOf(Recorded("mask")));
  ASSERT_THAT(png, IsOk());
  const auto& pixels = Recorded("redrawn.pixels");
  const auto mask =
      LoadMask(*png, static_cast<int>(pixels.size(1)), static_cast<int>(pixels.size(0)));
  ASSERT_THAT(mask, IsOk());
  EXPECT_TRUE(at::equal(mask->to(at::kFloat), pixels));
  EXPECT_TRUE(at::equal(LatentMask(*mask, 8), Recorded("redrawn.latent")));
}

class Img2ImgRuns : public Img2ImgGolden, public ::testing::WithParamInterface<std::string_view> {
 protected:
  static void ExpectEqual(const std::string& name, double eta) {
    for (const auto& [share_name, share] : {std::pair("some", 0.6), std::pair("all", 1.0)}) {
      for (const bool masked : {false, true}) {
        const std::string run = name + "." + share_name + (masked ? ".masked" : ".whole");
        const auto latent = Run(std::string(GetParam()), eta, share, masked);
        // The networks are those of networks_test.cc, whose rounding ten steps magnify.
        EXPECT_LT(golden::RelativeError(latent, Recorded(run)), 1e-4) << run;
      }
    }
  }
};

TEST_P(Img2ImgRuns, EqualDiffusers) {
  const std::string name(GetParam());
  if (!FindScheduler(name)->takes_init_picture) GTEST_SKIP() << "starts from noise only";
  ExpectEqual(name, 0);
  if (FindScheduler(name)->takes_eta) ExpectEqual(name + "_eta", 1);
}
INSTANTIATE_TEST_SUITE_P(Schedulers, Img2ImgRuns, ::testing::ValuesIn(kSchedulerNames),
                         [](const auto& info) { return std::to_string(info.index); });

}  // namespace
}  // namespace vico
