#include "toyworld/pretraining/base_config.h"

#include <filesystem>
#include <string>

#include "common/status.h"
#include "toyworld/world/captions.h"
#include "toyworld/world/tokenizer_files.h"
#include "worker/base_model/base_description.h"

namespace vico::toyworld {

using worker::BaseModel;
using worker::BaseNetworks;
using worker::ClipText;
using worker::ClipTextConfig;
using worker::DefaultDescription;
using worker::OpenBaseModel;
using worker::ScheduleConfig;
using worker::UNet;
using worker::UNetConfig;
using worker::Vae;
using worker::VaeConfig;

namespace {

constexpr char kScorerFile[] = "scorer.safetensors";  // of vico-toyworld-scorer

void Zero(torch::nn::Module& module, const std::string& suffix) {
  const at::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    const auto& name = item.key();
    for (const auto* leaf : {".weight", ".bias"}) {
      const std::string tail = suffix + leaf;
      if (name.size() >= tail.size() && name.ends_with(tail)) item.value().zero_();
    }
  }
}

}  // namespace

UNetConfig BaseUNetConfig() {
  UNetConfig config;
  config.sample_size = 16;
  config.block_out_channels = {64, 96, 96};
  config.down_attention = {true, true, true};
  config.up_attention = {true, true, true};
  config.heads = {2, 3, 3};
  config.cross_attention_dim = 128;
  config.norm_num_groups = 8;
  return config;
}

VaeConfig BaseVaeConfig() {
  VaeConfig config;
  config.block_out_channels = {16, 32, 64};
  config.layers_per_block = 1;
  config.norm_num_groups = 4;
  return config;
}

ClipTextConfig BaseTextConfig(int64_t vocab_size) {
  ClipTextConfig config;
  config.vocab_size = vocab_size;
  config.hidden_size = 128;
  config.intermediate_size = 512;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 4;
  config.max_position_embeddings = 32;
  return config;
}

ScheduleConfig BaseScheduleConfig() { return {}; }

void InitializeVae(Vae& vae) {
  Zero(*vae, ".conv2");
  Zero(*vae, ".to_out.0");
  const at::NoGradGuard no_grad;
  auto parameters = vae->named_parameters();
  const int64_t latent = vae->config().latent_channels;
  // The posterior starts narrow, with sigma about 0.14.
  auto quant = parameters["quant_conv.weight"];
  quant.copy_(at::eye(2 * latent).view(quant.sizes()));
  parameters["quant_conv.bias"].zero_();
  parameters["encoder.conv_out.weight"].narrow(0, latent, latent).mul_(0.05);
  parameters["encoder.conv_out.bias"].narrow(0, latent, latent).fill_(-4.0);
}

void InitializeText(ClipText& text) {
  const at::NoGradGuard no_grad;
  auto parameters = text->named_parameters();
  parameters["text_model.embeddings.token_embedding.weight"].normal_(0, 0.02);
  parameters["text_model.embeddings.position_embedding.weight"].normal_(0, 0.01);
}

void InitializeUNet(UNet& unet) {
  Zero(*unet, ".conv2");
  Zero(*unet, ".proj_out");
  Zero(*unet, "conv_out");
}

absl::StatusOr<BaseNetworks> ReadBase(const std::string& directory) {
  ASSIGN_OR_RETURN(const BaseModel model, OpenBaseModel(directory));
  return LoadNetworks(model);
}

void CopyParameters(const torch::nn::Module& from, torch::nn::Module& to) {
  const at::NoGradGuard no_grad;
  const auto source = from.parameters();
  auto target = to.parameters();
  TORCH_CHECK(source.size() == target.size(), "the base model to start from has other networks");
  for (size_t i = 0; i < source.size(); ++i) {
    TORCH_CHECK(source[i].sizes() == target[i].sizes(),
                "the base model to start from has networks of other sizes");
    target[i].copy_(source[i]);
  }
}

absl::StatusOr<Tokenizer> WorldTokenizer() {
  ASSIGN_OR_RETURN(const TokenizerFiles files, MakeTokenizerFiles(KnownWords()));
  return Tokenizer::Create(files.vocab_json, files.merges_txt);
}

absl::Status WriteBase(const std::string& directory, const Vae& vae, double scaling_factor,
                       const ClipText& text, const UNet& unet) {
  ASSIGN_OR_RETURN(const TokenizerFiles files, MakeTokenizerFiles(KnownWords()));
  BaseModel model;
  model.unet = unet->config();
  model.vae = vae->config();
  model.vae.scaling_factor = scaling_factor;
  model.text = text->config();
  model.schedule = BaseScheduleConfig();
  model.vocabulary = files.vocab_json;
  model.merges = files.merges_txt;
  model.pad_token = "<|endoftext|>";
  model.description = DefaultDescription("toyworld", model.unet, model.vae, model.text);
  model.description.set_display_name("Toy world, 64 x 64");
  // Blocks ten times narrower than Stable Diffusion's do not learn at the paper's 1e-5. With equal
  // weights for all timesteps the concept's colours are not learned: they are decided where the
  // picture is nearly all noise, and there they hardly change the loss. docs/toy-world-results.md
  // has figures.
  auto& train = *model.description.mutable_training_defaults();
  train.set_steps(300);
  train.set_batch_size(2);
  train.set_learning_rate_schedule(v1::LEARNING_RATE_SCHEDULE_COSINE);
  train.set_embedding_learning_rate(1e-2);
  train.set_attention_learning_rate(2e-3);
  train.set_min_snr_gamma(0.1);
  train.set_block_start(v1::BLOCK_START_SELF_ATTENTION);
  // The coarsest level has 4 x 4 positions, too few to show a toy. The finest shows its details.
  for (const char* site : {"up_blocks.1.attentions.0", "up_blocks.2.attentions.0",
                           "up_blocks.2.attentions.1", "up_blocks.2.attentions.2"}) {
    train.add_sites(site);
  }
  train.set_sample_every_steps(100);
  auto& generate = *model.description.mutable_generation_defaults();
  generate.set_steps(25);
  generate.set_guidance_scale(4);
  // Each names a scene, which the scorer looks for.
  auto& evaluate = *model.description.mutable_evaluation_defaults();
  for (const char* scene : {"on the beach", "in the snow", "by a brick wall", "in the city"}) {
    evaluate.add_prompts(std::string("a photo of a {placeholder} ") + scene);
  }
  evaluate.set_picture_count(2);
  evaluate.set_seed(1);
  if (std::filesystem::exists(std::filesystem::path(directory) / kScorerFile)) {
    model.scorer = kScorerFile;
  }
  return WriteBaseModel(directory, model, {text, vae, unet, {}}, at::kHalf);
}

}  // namespace vico::toyworld
