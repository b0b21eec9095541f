#include "worker/base_model/base_config.h"

#include <algorithm>

#include <fmt/format.h>

#include "worker/base_model/config_reader.h"

namespace vico::worker {
namespace {

using nlohmann::json;
using Presence = ConfigReader::Presence;

constexpr int64_t kMaxChannels = 8192;

/// True for each entry that is `with`. All others must be `without`.
std::vector<bool> AttentionFlags(ConfigReader& reader, const char* key, const char* with,
                                 const char* without, size_t count) {
  std::vector<bool> flags;
  for (const auto& type : reader.Texts(key)) {
    if (type != with && type != without) {
      reader.Refuse(key, fmt::format("must be made of {} and {}", with, without));
    }
    flags.push_back(type == with);
  }
  if (flags.size() != count) {
    reader.Refuse(key, fmt::format("must have {} entries as block_out_channels", count));
  }
  return flags;
}

void CheckDivisible(ConfigReader& reader, const char* key, const std::vector<int64_t>& channels,
                    const std::vector<int64_t>& divisors) {
  for (size_t i = 0; i < channels.size() && i < divisors.size(); ++i) {
    if (channels[i] % divisors[i] != 0) {
      reader.Refuse(key, fmt::format("must divide block_out_channels ({})", channels[i]));
    }
  }
}

std::vector<std::string> TypeNames(const std::vector<bool>& flags, const char* with,
                                   const char* without) {
  std::vector<std::string> names;
  names.reserve(flags.size());
  for (const bool flag : flags) names.emplace_back(flag ? with : without);
  return names;
}

}  // namespace

absl::StatusOr<UNetConfig> ParseUNetConfig(std::string_view text, std::string_view source) {
  ConfigReader reader(text, source);
  UNetConfig c;
  reader.Only("_class_name", "UNet2DConditionModel");
  reader.Integer("in_channels", c.in_channels, 1, 64);
  reader.Integer("out_channels", c.out_channels, 1, 64);
  reader.Integer("sample_size", c.sample_size, 1, 512);
  reader.Integers("block_out_channels", c.block_out_channels, 1, kMaxChannels);
  reader.Integer("layers_per_block", c.layers_per_block, 1, 8);
  reader.Integer("cross_attention_dim", c.cross_attention_dim, 1, kMaxChannels,
                 Presence::kRequired);
  reader.Integer("norm_num_groups", c.norm_num_groups, 1, kMaxChannels);
  reader.Number("norm_eps", c.norm_eps, 0, 1);
  reader.Flag("flip_sin_to_cos", c.flip_sin_to_cos);
  reader.Number("freq_shift", c.freq_shift, 0, 1);
  reader.Flag("use_linear_projection", c.use_linear_projection);
  const size_t levels = c.block_out_channels.size();
  c.down_attention =
      AttentionFlags(reader, "down_block_types", "CrossAttnDownBlock2D", "DownBlock2D", levels);
  c.up_attention =
      AttentionFlags(reader, "up_block_types", "CrossAttnUpBlock2D", "UpBlock2D", levels);

  // In Stable Diffusion 1.x and 2.x "attention_head_dim" is the number of heads.
  const char* heads_key =
      reader.Has("num_attention_heads") ? "num_attention_heads" : "attention_head_dim";
  if (reader.IsList(heads_key)) {
    reader.Integers(heads_key, c.heads, 1, kMaxChannels);
    if (c.heads.size() != levels) {
      reader.Refuse(heads_key, fmt::format("must have {} entries as block_out_channels", levels));
    }
  } else {
    int64_t heads = 8;
    reader.Integer(heads_key, heads, 1, kMaxChannels, Presence::kRequired);
    c.heads.assign(levels, heads);
  }
  CheckDivisible(reader, heads_key, c.block_out_channels, c.heads);
  CheckDivisible(reader, "norm_num_groups", c.block_out_channels,
                 std::vector<int64_t>(levels, c.norm_num_groups));

  // Versions of diffusers write a disabled setting as null or as false.
  for (const char* key :
       {"addition_embed_type", "addition_time_embed_dim", "center_input_sample", "class_embed_type",
        "class_embeddings_concat", "cross_attention_norm", "dual_cross_attention",
        "encoder_hid_dim", "encoder_hid_dim_type", "mid_block_only_cross_attention",
        "num_class_embeds", "projection_class_embeddings_input_dim", "resnet_skip_time_act",
        "reverse_transformer_layers_per_block", "time_cond_proj_dim", "time_embedding_act_fn",
        "time_embedding_dim", "timestep_post_act", "upcast_attention"}) {
    reader.Off(key);
  }
  reader.Only("only_cross_attention", false);  // also as a list
  reader.Only("act_fn", "silu");
  reader.Only("attention_type", "default");
  reader.Only("conv_in_kernel", 3);
  reader.Only("conv_out_kernel", 3);
  reader.Only("downsample_padding", 1);
  reader.Only("dropout", 0);
  reader.Only("mid_block_scale_factor", 1);
  reader.Only("mid_block_type", "UNetMidBlock2DCrossAttn");
  reader.Only("resnet_out_scale_factor", 1);
  reader.Only("resnet_time_scale_shift", "default");
  reader.Only("time_embedding_type", "positional");
  reader.Only("transformer_layers_per_block", 1);
  if (!reader.status().ok()) return reader.status();
  return c;
}

absl::StatusOr<VaeConfig> ParseVaeConfig(std::string_view text, std::string_view source) {
  ConfigReader reader(text, source);
  VaeConfig c;
  reader.Only("_class_name", "AutoencoderKL");
  reader.Integer("in_channels", c.in_channels, 3, 3);
  reader.Integer("out_channels", c.out_channels, 3, 3);
  reader.Integer("latent_channels", c.latent_channels, 1, 64);
  reader.Integers("block_out_channels", c.block_out_channels, 1, kMaxChannels);
  reader.Integer("layers_per_block", c.layers_per_block, 1, 8);
  reader.Integer("norm_num_groups", c.norm_num_groups, 1, kMaxChannels);
  reader.Number("scaling_factor", c.scaling_factor, 1e-4, 1e4);
  const size_t levels = c.block_out_channels.size();
  const auto plain = [&](const char* key, const char* type) {
    const auto types = reader.Texts(key);
    if (types != std::vector<std::string>(levels, type)) {
      reader.Refuse(key, fmt::format("must be {} times {}", levels, type));
    }
  };
  plain("down_block_types", "DownEncoderBlock2D");
  plain("up_block_types", "UpDecoderBlock2D");
  CheckDivisible(reader, "norm_num_groups", c.block_out_channels,
                 std::vector<int64_t>(levels, c.norm_num_groups));
  reader.Only("act_fn", "silu");
  reader.Only("latents_mean", nullptr);
  reader.Only("latents_std", nullptr);
  reader.Only("mid_block_add_attention", true);
  reader.Only("shift_factor", nullptr);
  reader.Only("use_post_quant_conv", true);
  reader.Only("use_quant_conv", true);
  if (!reader.status().ok()) return reader.status();
  return c;
}

absl::StatusOr<ClipTextConfig> ParseClipTextConfig(std::string_view text, std::string_view source) {
  ConfigReader reader(text, source);
  ClipTextConfig c;
  reader.Only("architectures", json::array({"CLIPTextModel"}));
  reader.Only("model_type", "clip_text_model");
  reader.Integer("vocab_size", c.vocab_size, 3, 1 << 20, Presence::kRequired);
  reader.Integer("hidden_size", c.hidden_size, 1, kMaxChannels, Presence::kRequired);
  reader.Integer("intermediate_size", c.intermediate_size, 1, 8 * kMaxChannels,
                 Presence::kRequired);
  reader.Integer("num_hidden_layers", c.num_hidden_layers, 1, 128, Presence::kRequired);
  reader.Integer("num_attention_heads", c.num_attention_heads, 1, 1024, Presence::kRequired);
  reader.Integer("max_position_embeddings", c.max_position_embeddings, 3, 1024,
                 Presence::kRequired);
  reader.Number("layer_norm_eps", c.layer_norm_eps, 0, 1);
  std::string activation = "quick_gelu";
  reader.Text("hidden_act", activation);
  if (activation != "quick_gelu" && activation != "gelu") {
    reader.Refuse("hidden_act", "must be quick_gelu or gelu");
  }
  c.quick_gelu = activation == "quick_gelu";
  if (c.hidden_size % c.num_attention_heads != 0) {
    reader.Refuse("num_attention_heads",
                  fmt::format("must divide hidden_size ({})", c.hidden_size));
  }
  if (!reader.status().ok()) return reader.status();
  return c;
}

std::string UNetConfigJson(const UNetConfig& c) {
  return json{
      {"_class_name", "UNet2DConditionModel"},
      {"act_fn", "silu"},
      {"attention_head_dim", c.heads},
      {"block_out_channels", c.block_out_channels},
      {"center_input_sample", false},
      {"cross_attention_dim", c.cross_attention_dim},
      {"down_block_types", TypeNames(c.down_attention, "CrossAttnDownBlock2D", "DownBlock2D")},
      {"downsample_padding", 1},
      {"flip_sin_to_cos", c.flip_sin_to_cos},
      {"freq_shift", c.freq_shift},
      {"in_channels", c.in_channels},
      {"layers_per_block", c.layers_per_block},
      {"mid_block_scale_factor", 1},
      {"norm_eps", c.norm_eps},
      {"norm_num_groups", c.norm_num_groups},
      {"out_channels", c.out_channels},
      {"sample_size", c.sample_size},
      {"up_block_types", TypeNames(c.up_attention, "CrossAttnUpBlock2D", "UpBlock2D")},
      {"use_linear_projection", c.use_linear_projection}}
      .dump(2);
}

std::string VaeConfigJson(const VaeConfig& c) {
  const size_t levels = c.block_out_channels.size();
  return json{{"_class_name", "AutoencoderKL"},
              {"act_fn", "silu"},
              {"block_out_channels", c.block_out_channels},
              {"down_block_types", std::vector<std::string>(levels, "DownEncoderBlock2D")},
              {"in_channels", c.in_channels},
              {"latent_channels", c.latent_channels},
              {"layers_per_block", c.layers_per_block},
              {"norm_num_groups", c.norm_num_groups},
              {"out_channels", c.out_channels},
              {"scaling_factor", c.scaling_factor},
              {"up_block_types", std::vector<std::string>(levels, "UpDecoderBlock2D")}}
      .dump(2);
}

std::string ClipTextConfigJson(const ClipTextConfig& c) {
  return json{{"architectures", json::array({"CLIPTextModel"})},
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
              {"vocab_size", c.vocab_size}}
      .dump(2);
}

}  // namespace vico::worker
