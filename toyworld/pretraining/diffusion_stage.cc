// The loss is noise prediction, weighted by min(SNR, 5) / SNR (arXiv:2303.09556). A tenth of the
// captions is empty. Half of the timesteps come from a logit-normal distribution
// (arXiv:2403.03206): on 16 x 16 latents the last third of Stable Diffusion's schedule is nearly
// all noise, so there is more to learn in the middle.
#include "toyworld/pretraining/diffusion_stage.h"

#include <cmath>
#include <filesystem>

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include "common/status.h"
#include "common/text/tokenizer.h"
#include "toyworld/charts/contact_sheet.h"
#include "toyworld/charts/curves.h"
#include "toyworld/pretraining/autoencoder_stage.h"
#include "toyworld/pretraining/base_config.h"
#include "toyworld/pretraining/replicas.h"
#include "toyworld/world/random.h"
#include "worker/diffusion/scheduler.h"

namespace vico::toyworld {

using worker::BaseNetworks;
using worker::ClipText;
using worker::MakeDdim;
using worker::Metadata;
using worker::Schedule;
using worker::UNet;
using worker::Vae;

namespace {

constexpr uint64_t kExamplePurpose = 21, kNoisePurpose = 22, kHeldOutPurpose = 23;
constexpr double kEmptyCaptions = 0.1;
constexpr double kMinSnrGamma = 5;
constexpr double kMiddleTimesteps = 0.5;  // share drawn from the middle; the rest is uniform
constexpr double kLogitMean = -0.5, kLogitStd = 1;

std::string DiffusionCheckpoint(const StageOptions& options) {
  return options.directory + "/diffusion.safetensors";
}

// The trained networks; each replica has a copy.
struct NetworksImpl : torch::nn::Module {
  explicit NetworksImpl(int64_t vocab_size) {
    text = register_module("text_encoder", ClipText(BaseTextConfig(vocab_size)));
    unet = register_module("unet", UNet(BaseUNetConfig()));
  }
  ClipText text{nullptr};
  UNet unet{nullptr};
};

at::Tensor Encode(const Tokenizer& tokenizer, const std::vector<std::string>& prompts) {
  const auto length = static_cast<int>(BaseTextConfig(0).max_position_embeddings);
  auto ids = at::empty({static_cast<int64_t>(prompts.size()), length}, at::kLong);
  for (size_t i = 0; i < prompts.size(); ++i) {
    const Prompt prompt = tokenizer.EncodePrompt(prompts[i], "", length);
    ids[static_cast<int64_t>(i)].copy_(
        at::tensor(at::ArrayRef<int32_t>(prompt.ids.data(), prompt.ids.size()), at::kInt));
  }
  return ids;
}

struct World {
  const StageOptions& options;
  const Tokenizer& tokenizer;
  const Schedule& schedule;
  double scaling_factor;
};

// [n] int64, 0 .. count - 1.
at::Tensor TrainingTimesteps(int64_t n, int64_t count, at::Generator& generator) {
  const auto floats = at::TensorOptions(at::kFloat);
  const auto uniform = at::rand({n}, generator, floats);
  const auto middle = at::sigmoid(at::randn({n}, generator, floats).mul(kLogitStd).add(kLogitMean));
  const auto from_middle = at::rand({n}, generator, floats) < kMiddleTimesteps;
  const auto share = at::where(from_middle, middle, uniform);
  return share.mul(static_cast<double>(count)).to(at::kLong).clamp(0, count - 1);
}

struct NoisyExample {
  Batch batch;
  at::Tensor ids;    // [n, L] int64
  at::Tensor noise;  // [n, 4, 16, 16]
  at::Tensor t;      // [n] int64
};

NoisyExample Draw(const World& world, int n, uint64_t draw_seed, uint64_t noise_seed,
                  bool training) {
  auto batch = DrawBatch(draw_seed, n, world.options.classes);
  Random random(noise_seed);
  if (training) {
    for (auto& caption : batch.captions) {
      if (random.Chance(kEmptyCaptions)) caption.clear();
    }
  }
  auto generator = at::make_generator<at::CPUGeneratorImpl>(random.Next());
  const auto noise = at::randn(LatentShape(n), generator, at::TensorOptions(at::kFloat));
  const int64_t timesteps = world.schedule.config().num_train_timesteps;
  const auto t = training ? TrainingTimesteps(n, timesteps, generator)
                          : at::randint(0, timesteps, {n}, generator, at::TensorOptions(at::kLong));
  const auto ids = Encode(world.tokenizer, batch.captions);
  return {std::move(batch), ids, noise, t};
}

// Weighted (training) or plain (held-out) mean squared error of the noise.
at::Tensor Loss(NetworksImpl& networks, Vae& vae, const World& world, const NoisyExample& example,
                bool training) {
  const at::Device& device = world.options.device;
  at::Tensor latent;
  {
    const at::NoGradGuard no_grad;
    const auto pictures = example.batch.Pictures(device).to(vae->parameters()[0].scalar_type());
    latent = vae->Encode(pictures).mean.to(at::kFloat) * world.scaling_factor;
  }
  const auto noise = example.noise.to(device), t = example.t.to(device);
  const auto noisy = world.schedule.AddNoise(latent, noise, t);
  const auto text = networks.text(example.ids.to(device));
  const auto predicted = networks.unet(noisy, t, text).to(at::kFloat);
  const auto error = (predicted - noise).square().mean({1, 2, 3});  // [n]
  if (!training) return error.mean();
  return (error * world.schedule.MinSnrWeights(t, kMinSnrGamma)).mean();
}

// Two guided pictures for each of a few fixed prompts, DDIM, 25 steps.
cv::Mat SampleSheet(NetworksImpl& networks, Vae& vae, const World& world) {
  const at::NoGradGuard no_grad;
  constexpr double kGuidance = 4;
  const std::vector<std::string> prompts = {"a photo of a robot on the beach",
                                            "a photo of a red mug on a wooden table",
                                            "a photo of a blue car in the desert",
                                            "a photo of a yellow duck in the snow",
                                            "a photo of a purple fish in the ocean",
                                            "a photo of a brown bear on the grass",
                                            "a photo of a green robot at night",
                                            "a photo of a striped mug in front of a brick wall",
                                            "a photo of an orange car on the beach",
                                            "a photo of a pink dotted bear in the snow",
                                            "a photo of a teal duck with a hat on the grass",
                                            "a photo of a white fish"};
  std::vector<std::string> twice, empty;
  for (const auto& p : prompts) twice.insert(twice.end(), {p, p});
  empty.resize(twice.size());
  const at::Device& device = world.options.device;
  const auto cond = networks.text(Encode(world.tokenizer, twice).to(device));
  const auto uncond = networks.text(Encode(world.tokenizer, empty).to(device));
  auto generator = at::make_generator<at::CPUGeneratorImpl>(7);
  const auto n = static_cast<int64_t>(twice.size());
  auto x = at::randn(LatentShape(n), generator, at::TensorOptions(at::kFloat)).to(device);
  const auto scheduler = MakeDdim(world.schedule, 25, 0);
  for (size_t i = 0; i < scheduler->timesteps().size(); ++i) {
    const auto t = at::full({n}, scheduler->timesteps()[i], at::kLong).to(device);
    const auto eps_uncond = networks.unet(x, t, uncond);
    const auto eps = eps_uncond + kGuidance * (networks.unet(x, t, cond) - eps_uncond);
    x = scheduler->Step(eps, static_cast<int64_t>(i), x, {});
  }
  return ContactSheet(ToPictures(vae->Decode(x / world.scaling_factor)), 8);
}

absl::Status Save(const Replicas& replicas, Vae& vae, const World& world, StageLog& log) {
  NetworksImpl networks(world.tokenizer.vocab_size());
  networks.to(world.options.device);
  replicas.CopyAverage(networks);
  double error = 0;
  {
    const at::NoGradGuard no_grad;
    for (uint64_t i = 0; i < 8; ++i) {
      const auto example =
          Draw(world, 32, MixSeed(kHeldOutPurpose, i), MixSeed(kHeldOutPurpose, 1000 + i), false);
      error += Loss(networks, vae, world, example, false).item<double>() / 8;
    }
  }
  RETURN_IF_ERROR(
      WritePicture(fmt::format("{}/diffusion_{}.png", world.options.directory, replicas.steps()),
                   SampleSheet(networks, vae, world)));
  log.Line(fmt::format("diffusion step {} held-out mse {:.4f}", replicas.steps(), error));
  RETURN_IF_ERROR(PlotLog(world.options.directory + "/diffusion"));
  return replicas.Save(DiffusionCheckpoint(world.options), {});
}

std::vector<std::shared_ptr<torch::nn::Module>> Modules(
    const std::vector<std::shared_ptr<NetworksImpl>>& networks) {
  return {networks.begin(), networks.end()};
}

}  // namespace

absl::Status TrainDiffusion(const StageOptions& options) {
  StageLog log(options, "diffusion");
  ASSIGN_OR_RETURN(const Tokenizer tokenizer, WorldTokenizer());
  ASSIGN_OR_RETURN(const TrainedVae trained, LoadTrainedVae(options));
  Vae whole_vae = trained.vae, rounded_vae(BaseVaeConfig());
  CopyParameters(*whole_vae, *rounded_vae);
  rounded_vae->to(options.device, at::kBFloat16);
  const Schedule schedule(BaseScheduleConfig());
  const World world{options, tokenizer, schedule, trained.scaling_factor};

  at::manual_seed(2);
  std::vector<std::shared_ptr<NetworksImpl>> networks;
  networks.reserve(static_cast<size_t>(options.threads));
  for (int i = 0; i < options.threads; ++i) {
    networks.push_back(std::make_shared<NetworksImpl>(tokenizer.vocab_size()));
  }
  if (options.start_from.empty()) {
    InitializeText(networks[0]->text);
    InitializeUNet(networks[0]->unet);
  } else {
    ASSIGN_OR_RETURN(const BaseNetworks start, ReadBase(options.start_from));
    CopyParameters(*start.text, *networks[0]->text);
    CopyParameters(*start.unet, *networks[0]->unet);
  }
  for (auto& n : networks) n->to(options.device);
  Replicas replicas(Modules(networks));
  if (std::filesystem::exists(DiffusionCheckpoint(options))) {
    Metadata metadata;
    RETURN_IF_ERROR(replicas.Load(DiffusionCheckpoint(options), &metadata));
  }
  log.Line(fmt::format("diffusion from step {} to {}", replicas.steps(), options.steps));

  const auto sources =
      DrawAhead<NoisyExample>(options, replicas.steps(), [&](uint64_t step, uint64_t replica) {
        return Draw(world, options.batch, MixSeed(kExamplePurpose, step, replica),
                    MixSeed(kNoisePurpose, step, replica), true);
      });
  const double peak = options.learning_rate > 0 ? options.learning_rate : 8e-4;
  double mean_loss = 0;
  double since = log.Seconds();
  while (replicas.steps() < options.steps && !StopRequested()) {
    const int64_t step = replicas.steps();
    AdamOptions adam;
    adam.learning_rate = LearningRate(peak, step, options.steps, 200, 0.4, 0.025);
    adam.weight_decay = 0.01;
    const double loss = replicas.Step(
        [&](size_t replica) {
          return Loss(*networks[replica], rounded_vae, world, sources[replica]->Next(), true);
        },
        adam);
    mean_loss += loss / 50;
    if (replicas.steps() % 50 == 0) {
      const double now = log.Seconds();
      log.Line(fmt::format("diffusion step {} loss {:.4f} lr {:.2e} {:.1f} pictures/s",
                           replicas.steps(), mean_loss, adam.learning_rate,
                           50.0 * options.batch * options.threads / (now - since)));
      mean_loss = 0;
      since = now;
    }
    if (log.TimeToSave()) {
      RETURN_IF_ERROR(Save(replicas, whole_vae, world, log));
      since = log.Seconds();
    }
  }
  return Save(replicas, whole_vae, world, log);
}

absl::Status ExportBase(const StageOptions& options, const std::string& base_directory) {
  ASSIGN_OR_RETURN(const Tokenizer tokenizer, WorldTokenizer());
  ASSIGN_OR_RETURN(const TrainedVae trained, LoadTrainedVae(options));
  const auto networks = std::make_shared<NetworksImpl>(tokenizer.vocab_size());
  Replicas replicas({networks});
  Metadata metadata;
  RETURN_IF_ERROR(replicas.Load(DiffusionCheckpoint(options), &metadata));
  NetworksImpl averaged(tokenizer.vocab_size());
  replicas.CopyAverage(averaged);
  return WriteBase(base_directory, trained.vae, trained.scaling_factor, averaged.text,
                   averaged.unet);
}

}  // namespace vico::toyworld
