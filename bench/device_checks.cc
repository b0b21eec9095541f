#include "bench/device_checks.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Context.h>

#include "bench/random_base.h"
#include "bench/toy_training.h"
#include "worker/model/resnet.h"
#include "worker/personalize/draws.h"
#include "worker/personalize/generator.h"

namespace vico::bench {
namespace {

using worker::Base;

torch::Tensor Normal(at::IntArrayRef shape, uint64_t index) {
  return worker::DrawNormal(shape, /*seed=*/3, worker::Purpose::kNoise, index);
}

// Multiplications of fp32 numbers are of fp32 numbers while an object exists.
class NoTf32 {
 public:
  NoTf32() : before_(at::globalContext().allowTF32CuDNN()) { Allow(false); }
  ~NoTf32() { Allow(before_); }
  NoTf32(const NoTf32&) = delete;
  NoTf32& operator=(const NoTf32&) = delete;

 private:
  static void Allow(bool allowed) { at::globalContext().setAllowTF32CuDNN(allowed); }

  bool before_;
};

DeviceCheck GroupNormBf16(const c10::Device& device) {
  const at::NoGradGuard no_grad;
  worker::GroupNorm norm(8, 64, 1e-5);
  const auto x = Normal({2, 64, 32, 32}, 1).add(30).to(at::kBFloat16);
  const auto wanted = norm(x.to(at::kFloat));
  norm->to(device);
  // A result in bf16 is off by half of its last digit, 2^-9 of it.
  return {RelativeError(norm(x.to(device)), wanted), std::ldexp(1, -9)};
}

torch::Tensor RunUnet(Base& base) {
  const at::NoGradGuard no_grad;
  const auto like = base.unet->parameters()[0].options();
  const auto& text = base.text->config();
  return base.unet(Normal({2, 4, 8, 8}, 1).to(like), torch::full({2}, 501, like.dtype(at::kLong)),
                   Normal({2, text.max_position_embeddings, text.hidden_size}, 2).to(like));
}

DeviceCheck Unet(Base& cpu, const c10::Device& device, double bound) {
  Base other = CopyOn(device, at::kFloat, cpu);
  return {RelativeError(RunUnet(other), RunUnet(cpu)), bound};
}

// Twice the CPU's own error in bf16, as in docs/parity.md.
DeviceCheck UnetBf16(Base& cpu, const c10::Device& device) {
  const auto wanted = RunUnet(cpu);
  Base cpu_bf16 = CopyOn(at::kCPU, at::kBFloat16, cpu);
  Base other = CopyOn(device, at::kBFloat16, cpu);
  return {RelativeError(RunUnet(other), wanted), 2 * RelativeError(RunUnet(cpu_bf16), wanted)};
}

worker::Adapter TrainToy(Base& base, std::vector<double>& losses) {
  return worker::TrainAdapter(base, ToyPictures(), ToyOptions(8),
                              [&](const worker::StepReport& report, worker::Adapter&) {
                                losses.push_back(report.loss);
                                return true;
                              });
}

DeviceCheck Losses(Base& cpu, const c10::Device& device) {
  Base other = CopyOn(device, at::kFloat, cpu);
  std::vector<double> wanted, found;
  TrainToy(cpu, wanted);
  TrainToy(other, found);
  double worst = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    worst = std::max(worst, std::abs(found[i] - wanted[i]) / wanted[i]);
  }
  return {worst, 1e-3};
}

torch::Tensor Draw(Base& base, worker::Adapter& trained) {
  const at::NoGradGuard no_grad;
  worker::Personalization personal;
  personal.adapter =
      worker::Adapter(base.unet->transformers(), trained->sites(), trained->placeholder().size(0),
                      /*seed=*/0, worker::BlockStart::kDefault);
  const auto from = trained->parameters();
  auto to = personal.adapter->parameters();
  for (size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
  personal.adapter->to(base.device());
  personal.reference = worker::ReferenceLatent(base, ToyPictures().narrow(0, 0, 1));
  worker::GenerateOptions options;
  options.prompt = "a photo of S* on the beach";
  options.steps = 10;
  options.height = options.width = 64;
  options.seeds = {5};
  torch::Tensor picture;
  worker::GenerateObserver observer;
  observer.on_picture = [&](size_t, const torch::Tensor& image01) { picture = image01; };
  worker::GeneratePictures(base, &personal, options, observer);
  return picture;
}

DeviceCheck Picture(Base& cpu, const c10::Device& device) {
  Base other = CopyOn(device, at::kFloat, cpu);
  std::vector<double> losses;
  worker::Adapter trained = TrainToy(cpu, losses);
  const auto difference = (Draw(other, trained) - Draw(cpu, trained)).abs().mean();
  return {256 * difference.item<double>(), 1};
}

}  // namespace

DeviceCheck CheckDevice(const std::string& name, Base& cpu, const c10::Device& device) {
  if (name == "unet_tf32") return Unet(cpu, device, 5e-3);
  const NoTf32 exact;
  if (name == "group_norm_bf16") return GroupNormBf16(device);
  if (name == "unet_fp32") return Unet(cpu, device, 1e-4);
  if (name == "unet_bf16") return UnetBf16(cpu, device);
  if (name == "losses") return Losses(cpu, device);
  TORCH_CHECK(name == "picture", "no such check as ", name);
  return Picture(cpu, device);
}

}  // namespace vico::bench
