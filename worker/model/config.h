// Sizes of the networks, as a diffusers directory's config files give them. The defaults are
// Stable Diffusion 1.5's.
#pragma once

#include <cstdint>
#include <vector>

namespace vico::worker {

/// UNet2DConditionModel. Every vector has one entry a resolution, finest first.
struct UNetConfig {
  int64_t in_channels = 4;
  int64_t out_channels = 4;
  int64_t sample_size = 64;  ///< side of the latent it was trained at
  std::vector<int64_t> block_out_channels = {320, 640, 1280, 1280};
  std::vector<bool> down_attention = {true, true, true, false};
  std::vector<bool> up_attention = {false, true, true, true};  ///< coarsest first, as up_blocks
  std::vector<int64_t> heads = {8, 8, 8, 8};  ///< diffusers calls it attention_head_dim
  int64_t layers_per_block = 2;
  int64_t cross_attention_dim = 768;
  int64_t norm_num_groups = 32;
  double norm_eps = 1e-5;
  bool flip_sin_to_cos = true;
  double freq_shift = 0;
  bool use_linear_projection = false;  ///< proj_in and proj_out are linear, not 1x1 convolutions
};

/// AutoencoderKL.
struct VaeConfig {
  int64_t in_channels = 3;
  int64_t out_channels = 3;
  int64_t latent_channels = 4;
  std::vector<int64_t> block_out_channels = {128, 256, 512, 512};
  int64_t layers_per_block = 2;
  int64_t norm_num_groups = 32;
  double scaling_factor = 0.18215;  ///< latent = sample of the posterior times this

  /// Pixels a latent element covers, in each direction.
  int64_t factor() const { return int64_t{1} << (block_out_channels.size() - 1); }
};

/// CLIPTextModel.
struct ClipTextConfig {
  int64_t vocab_size = 49408;
  int64_t hidden_size = 768;
  int64_t intermediate_size = 3072;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t max_position_embeddings = 77;
  double layer_norm_eps = 1e-5;
  bool quick_gelu = true;  ///< x * sigmoid(1.702 x); else the exact gelu
};

}  // namespace vico::worker
