// The tiny base model's sizes and files; see the header.
#include "toyworld/pretraining/base_config.h"

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "common/status.h"
#include "toyworld/captions.h"
#include "toyworld/tokenizer_files.h"
#include "worker/io/tensors.h"

namespace vico::toyworld {
namespace {

using nlohmann::json;

absl::Status WriteJson(const std::filesystem::path& path, const json& value) {
  std::ofstream out(path);
  out << value.dump(2) << "\n";
  out.close();
  return out ? absl::OkStatus() : absl::InternalError("cannot write " + path.string());
}

json Repeat(const std::vector<bool>& attention, const char* with, const char* without) {
  json types = json::array();
  for (const bool yes : attention) types.push_back(yes ? with : without);
  return types;
}

json Describe(const UNetConfig& c) {
  return {{"_class_name", "UNet2DConditionModel"},
          {"act_fn", "silu"},
          {"attention_head_dim", c.heads},
          {"block_out_channels", c.block_out_channels},
          {"center_input_sample", false},
          {"cross_attention_dim", c.cross_attention_dim},
          {"down_block_types", Repeat(c.down_attention, "CrossAttnDownBlock2D", "DownBlock2D")},
          {"downsample_padding", 1},
          {"flip_sin_to_cos", c.flip_sin_to_cos},
          {"freq_shift", static_cast<int64_t>(c.freq_shift)},
          {"in_channels", c.in_channels},
          {"layers_per_block", c.layers_per_block},
          {"mid_block_scale_factor", 1},
          {"norm_eps", c.norm_eps},
          {"norm_num_groups", c.norm_num_groups},
          {"out_channels", c.out_channels},
          {"sample_size", c.sample_size},
          {"up_block_types", Repeat(c.up_attention, "CrossAttnUpBlock2D", "UpBlock2D")}};
}

json Describe(const VaeConfig& c, double scaling_factor) {
  const size_t levels = c.block_out_channels.size();
  return {{"_class_name", "AutoencoderKL"},
          {"act_fn", "silu"},
          {"block_out_channels", c.block_out_channels},
          {"down_block_types", std::vector<std::string>(levels, "DownEncoderBlock2D")},
          {"in_channels", c.in_channels},
          {"latent_channels", c.latent_channels},
          {"layers_per_block", c.layers_per_block},
          {"norm_num_groups", c.norm_num_groups},
          {"out_channels", c.out_channels},
          {"sample_size", 64},
          {"scaling_factor", scaling_factor},
          {"up_block_types", std::vector<std::string>(levels, "UpDecoderBlock2D")}};
}

json Describe(const ClipTextConfig& c) {
  return {{"architectures", {"CLIPTextModel"}},
          {"attention_dropout", 0.0},
          {"bos_token_id", c.vocab_size - 2},
          {"eos_token_id", c.vocab_size - 1},
          {"hidden_act", c.quick_gelu ? "quick_gelu" : "gelu"},
          {"hidden_size", c.hidden_size},
          {"intermediate_size", c.intermediate_size},
          {"layer_norm_eps", c.layer_norm_eps},
          {"max_position_embeddings", c.max_position_embeddings},
          {"model_type", "clip_text_model"},
          {"num_attention_heads", c.num_attention_heads},
          {"num_hidden_layers", c.num_hidden_layers},
          {"pad_token_id", c.vocab_size - 1},
          {"vocab_size", c.vocab_size}};
}

json Describe(const ScheduleConfig& c) {
  return {{"_class_name", "DDIMScheduler"},
          {"beta_end", c.beta_end},
          {"beta_schedule", c.beta_schedule},
          {"beta_start", c.beta_start},
          {"clip_sample", false},
          {"num_train_timesteps", c.num_train_timesteps},
          {"prediction_type", c.prediction_type},
          {"set_alpha_to_one", c.set_alpha_to_one},
          {"steps_offset", c.steps_offset}};
}

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
  // A narrow posterior from the start: sigma about 0.14.
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

absl::StatusOr<Tokenizer> WorldTokenizer() {
  ASSIGN_OR_RETURN(const TokenizerFiles files, MakeTokenizerFiles(KnownWords()));
  return Tokenizer::Create(files.vocab_json, files.merges_txt);
}

absl::Status WriteBase(const std::string& directory, const Vae& vae, double scaling_factor,
                       const ClipText& text, const UNet& unet) {
  const std::filesystem::path root(directory);
  for (const auto* folder : {"tokenizer", "text_encoder", "unet", "vae", "scheduler"}) {
    std::error_code error;
    std::filesystem::create_directories(root / folder, error);
    if (error) return absl::InternalError("cannot make " + (root / folder).string());
  }
  RETURN_IF_ERROR(
      WriteJson(root / "model_index.json", {{"_class_name", "StableDiffusionPipeline"},
                                            {"scheduler", {"diffusers", "DDIMScheduler"}},
                                            {"text_encoder", {"transformers", "CLIPTextModel"}},
                                            {"tokenizer", {"transformers", "CLIPTokenizer"}},
                                            {"unet", {"diffusers", "UNet2DConditionModel"}},
                                            {"vae", {"diffusers", "AutoencoderKL"}}}));
  RETURN_IF_ERROR(WriteJson(root / "unet/config.json", Describe(unet->config())));
  RETURN_IF_ERROR(WriteJson(root / "vae/config.json", Describe(vae->config(), scaling_factor)));
  RETURN_IF_ERROR(WriteJson(root / "text_encoder/config.json", Describe(text->config())));
  RETURN_IF_ERROR(
      WriteJson(root / "scheduler/scheduler_config.json", Describe(BaseScheduleConfig())));
  ASSIGN_OR_RETURN(const TokenizerFiles files, MakeTokenizerFiles(KnownWords()));
  RETURN_IF_ERROR(WriteTokenizerFiles(files, (root / "tokenizer").string()));
  const std::string weights = "diffusion_pytorch_model.safetensors";
  RETURN_IF_ERROR(
      SaveParameters(*unet, (root / "unet" / weights).string(), at::kHalf, {{"format", "pt"}}));
  RETURN_IF_ERROR(
      SaveParameters(*vae, (root / "vae" / weights).string(), at::kHalf, {{"format", "pt"}}));
  return SaveParameters(*text, (root / "text_encoder/model.safetensors").string(), at::kHalf,
                        {{"format", "pt"}});
}

}  // namespace vico::toyworld
