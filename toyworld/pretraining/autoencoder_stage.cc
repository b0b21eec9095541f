// The loss: reconstruction, a small KL term and, late in the run, edges.
#include "toyworld/pretraining/autoencoder_stage.h"

#include <cmath>
#include <filesystem>

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include "common/status.h"
#include "toyworld/charts/contact_sheet.h"
#include "toyworld/charts/curves.h"
#include "toyworld/pretraining/base_config.h"
#include "toyworld/pretraining/replicas.h"

namespace vico::toyworld {

using worker::BaseNetworks;
using worker::Metadata;
using worker::Posterior;
using worker::Vae;

namespace {

constexpr uint64_t kDraw = 11, kNoise = 12, kHeldOut = 13;
constexpr double kEdgesFrom = 0.6;  // share of the steps after which the edge term is added

std::string AutoencoderCheckpoint(const StageOptions& options) {
  return options.directory + "/autoencoder.safetensors";
}

at::Tensor EdgeLoss(const at::Tensor& a, const at::Tensor& b) {
  const auto difference = a - b;
  const auto dx = difference.slice(3, 1) - difference.slice(3, 0, -1);
  const auto dy = difference.slice(2, 1) - difference.slice(2, 0, -1);
  return dx.abs().mean() + dy.abs().mean();
}

struct Example {
  Batch batch;
  at::Tensor noise;  // [n, 4, 16, 16], of the posterior
};

Example Draw(uint64_t draw_seed, uint64_t noise_seed, const StageOptions& options) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(noise_seed);
  return {DrawBatch(draw_seed, options.batch, options.classes),
          at::randn(LatentShape(options.batch), generator, at::TensorOptions(at::kFloat))};
}

at::Tensor Loss(Vae& vae, const Example& example, const at::Device& device, bool edges) {
  const auto pictures = example.batch.Pictures(device);
  const auto found = vae->Encode(pictures.to(at::kBFloat16));
  const Posterior posterior = {found.mean.to(at::kFloat), found.std.to(at::kFloat)};
  const auto latent = posterior.mean + posterior.std * example.noise.to(device);
  const auto output = vae->Decode(latent.to(at::kBFloat16)).to(at::kFloat);
  const auto kl =
      0.5 * (posterior.mean.square() + posterior.std.square() - 1 - 2 * posterior.std.log()).mean();
  const auto difference = output - pictures;
  auto loss = 0.3 * difference.abs().mean() + 2 * difference.square().mean() + 0.001 * kl;
  if (edges) loss = loss + 0.25 * EdgeLoss(output, pictures);
  return loss;
}

struct HeldOut {
  double psnr = 0;  // dB, from the mean squared error over all pictures in 0..1
  double std = 1;   // of the latents
};

HeldOut Measure(Vae& vae, const StageOptions& options, int count) {
  const at::NoGradGuard no_grad;
  double squared = 0, latent_squared = 0;
  for (int i = 0; i < count / 16; ++i) {
    const auto batch = DrawBatch(MixSeed(kHeldOut, static_cast<uint64_t>(i)), 16, options.classes);
    const auto pictures = batch.Pictures(options.device);
    const auto mean = vae->Encode(pictures).mean;
    const auto output = vae->Decode(mean).clamp(-1, 1);
    squared += (output - pictures).div(2).square().mean().item<double>();
    latent_squared += mean.square().mean().item<double>();
  }
  return {-10 * std::log10(squared * 16 / count), std::sqrt(latent_squared * 16 / count)};
}

absl::Status Save(const Replicas& replicas, const StageOptions& options, StageLog& log) {
  Vae vae(BaseVaeConfig());
  vae->to(options.device);
  replicas.CopyAverage(*vae);
  const HeldOut held_out = Measure(vae, options, 128);
  const auto batch = DrawBatch(MixSeed(kHeldOut, 0), 8, options.classes);
  {
    const at::NoGradGuard no_grad;
    const auto drawn = batch.Pictures(options.device);
    auto pictures = ToPictures(drawn);
    for (auto& p : ToPictures(vae->Decode(vae->Encode(drawn).mean))) pictures.push_back(p);
    RETURN_IF_ERROR(
        WritePicture(fmt::format("{}/autoencoder_{}.png", options.directory, replicas.steps()),
                     ContactSheet(pictures, 8)));
  }
  log.Line(fmt::format("autoencoder step {} held-out PSNR {:.2f} dB, latent std {:.4f}",
                       replicas.steps(), held_out.psnr, held_out.std));
  RETURN_IF_ERROR(PlotLog(options.directory + "/autoencoder"));
  return replicas.Save(AutoencoderCheckpoint(options),
                       {{"scaling_factor", fmt::format("{:.6f}", 1 / held_out.std)}});
}

std::vector<std::shared_ptr<torch::nn::Module>> Modules(const std::vector<Vae>& vaes) {
  std::vector<std::shared_ptr<torch::nn::Module>> modules;
  modules.reserve(vaes.size());
  for (const auto& vae : vaes) modules.push_back(vae.ptr());
  return modules;
}

}  // namespace

absl::Status TrainAutoencoder(const StageOptions& options) {
  StageLog log(options, "autoencoder");
  at::manual_seed(1);
  std::vector<Vae> vaes;
  vaes.reserve(static_cast<size_t>(options.threads));
  for (int i = 0; i < options.threads; ++i) vaes.emplace_back(BaseVaeConfig());
  if (options.start_from.empty()) {
    InitializeVae(vaes[0]);
  } else {
    ASSIGN_OR_RETURN(const BaseNetworks start, ReadBase(options.start_from));
    CopyParameters(*start.vae, *vaes[0]);
  }
  for (auto& vae : vaes) vae->to(options.device);
  Replicas replicas(Modules(vaes));
  if (std::filesystem::exists(AutoencoderCheckpoint(options))) {
    Metadata metadata;
    RETURN_IF_ERROR(replicas.Load(AutoencoderCheckpoint(options), &metadata));
  }
  log.Line(fmt::format("autoencoder from step {} to {}", replicas.steps(), options.steps));

  const auto sources =
      DrawAhead<Example>(options, replicas.steps(), [&options](uint64_t step, uint64_t replica) {
        return Draw(MixSeed(kDraw, step, replica), MixSeed(kNoise, step, replica), options);
      });
  const double peak = options.learning_rate > 0 ? options.learning_rate : 1.5e-3;
  double mean_loss = 0;
  double since = log.Seconds();
  while (replicas.steps() < options.steps && !StopRequested()) {
    const int64_t step = replicas.steps();
    const bool edges = static_cast<double>(step) > kEdgesFrom * static_cast<double>(options.steps);
    AdamOptions adam;
    adam.learning_rate = LearningRate(peak, step, options.steps, 150, 0.4, 0.02);
    const double loss = replicas.Step(
        [&](size_t replica) {
          return Loss(vaes[replica], sources[replica]->Next(), options.device, edges);
        },
        adam);
    mean_loss += loss / 50;
    if (replicas.steps() % 50 == 0) {
      const double now = log.Seconds();
      log.Line(fmt::format("autoencoder step {} loss {:.4f} lr {:.2e} {:.1f} pictures/s",
                           replicas.steps(), mean_loss, adam.learning_rate,
                           50.0 * options.batch * options.threads / (now - since)));
      mean_loss = 0;
      since = now;
    }
    if (log.TimeToSave()) RETURN_IF_ERROR(Save(replicas, options, log));
  }
  return Save(replicas, options, log);
}

absl::StatusOr<TrainedVae> LoadTrainedVae(const StageOptions& options) {
  TrainedVae trained;
  Replicas replicas(Modules({Vae(BaseVaeConfig())}));
  Metadata metadata;
  RETURN_IF_ERROR(replicas.Load(AutoencoderCheckpoint(options), &metadata));
  trained.vae = Vae(BaseVaeConfig());
  replicas.CopyAverage(*trained.vae);
  trained.vae->to(options.device);
  trained.scaling_factor = std::stod(metadata.at("scaling_factor"));
  for (auto& p : trained.vae->parameters()) p.set_requires_grad(false);
  return trained;
}

}  // namespace vico::toyworld
