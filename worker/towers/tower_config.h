// Reads the config files of a tower's directory in transformers' layout: config.json of CLIP and of
// DINO, and preprocessor_config.json. An absent value has transformers' default. A setting that the
// towers do not support is an error, never ignored.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/model/config.h"

namespace vico::worker {

/// A vision transformer. The defaults are CLIPVisionConfig's.
struct VisionConfig {
  int64_t hidden_size = 768;
  int64_t intermediate_size = 3072;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t image_size = 224;  ///< side of a picture, in pixels
  int64_t patch_size = 32;   ///< side of a patch, in pixels
  double layer_norm_eps = 1e-5;
  bool quick_gelu = true;  ///< x * sigmoid(1.702 x); else the exact gelu
  bool qkv_bias = true;
};

/// CLIPModel: two towers, each with a projection.
struct ClipConfig {
  ClipTextConfig text;
  /// The text's state is taken at this token; 2, which old files have, stands for the highest id.
  int64_t eos_token_id = 49407;
  VisionConfig vision;
  int64_t projection_dim = 512;
};

/// What happens to a picture before it enters a tower: resize, cut out the centre, scale,
/// normalise.
struct PictureConfig {
  enum class Filter { kBilinear, kBicubic };
  Filter filter = Filter::kBicubic;
  int64_t shortest_edge = 0;  ///< resize to this shorter side and keep the aspect ratio; 0: do not
  int64_t width = 0;          ///< resize to this size, if there is no shortest_edge
  int64_t height = 0;
  int64_t crop_width = 0;  ///< size of the centre; 0: nothing is cut off
  int64_t crop_height = 0;
  double rescale = 1 / 255.0;     ///< factor of the bytes
  std::vector<double> mean, std;  ///< 3 numbers each: result = (bytes * rescale - mean) / std

  int64_t result_width() const { return crop_width > 0 ? crop_width : width; }
  int64_t result_height() const { return crop_height > 0 ? crop_height : height; }
};

/// Whose defaults a preprocessor_config.json has if it does not name its type.
enum class PictureProcessor { kClip, kVit };

/// `json` is the file's text and `source` its name in messages. kInvalidArgument naming the key.
/// In a CLIP file text_config_dict and vision_config_dict, which old files have, replace the
/// sections text_config and vision_config, as in transformers.
absl::StatusOr<ClipConfig> ParseClipConfig(std::string_view json, std::string_view source);
absl::StatusOr<VisionConfig> ParseDinoConfig(std::string_view json, std::string_view source);
absl::StatusOr<PictureConfig> ParsePictureConfig(std::string_view json, std::string_view source,
                                                 PictureProcessor processor);

}  // namespace vico::worker
