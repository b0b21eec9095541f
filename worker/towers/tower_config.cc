#include "worker/towers/tower_config.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/status.h"
#include "worker/base_model/config_reader.h"

namespace vico::worker {
namespace {

using nlohmann::json;

constexpr int64_t kMaxWidth = 8192;
constexpr int64_t kMaxSide = 4096;

json Parsed(std::string_view text) {
  return json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

/// A reader of the object under `key`, which must be there. Its messages name file and key.
ConfigReader Section(const json& file, std::string_view source, const char* key) {
  return {file[key].dump(), fmt::format("{}: {}", source, key)};
}

/// What text and vision configs have in common.
template <class Config>
void ReadSizes(ConfigReader& reader, Config& c) {
  reader.Integer("hidden_size", c.hidden_size, 1, kMaxWidth);
  reader.Integer("intermediate_size", c.intermediate_size, 1, 8 * kMaxWidth);
  reader.Integer("num_hidden_layers", c.num_hidden_layers, 1, 128);
  reader.Integer("num_attention_heads", c.num_attention_heads, 1, 1024);
  reader.Number("layer_norm_eps", c.layer_norm_eps, 0, 1);
  std::string activation = c.quick_gelu ? "quick_gelu" : "gelu";
  reader.OneOf("hidden_act", activation, {"quick_gelu", "gelu"});
  c.quick_gelu = activation == "quick_gelu";
  if (c.hidden_size % c.num_attention_heads != 0) {
    reader.Refuse("num_attention_heads",
                  fmt::format("must divide hidden_size ({})", c.hidden_size));
  }
}

void ReadVision(ConfigReader& reader, VisionConfig& c) {
  ReadSizes(reader, c);
  reader.Only("num_channels", 3);
  reader.Integer("image_size", c.image_size, 1, kMaxSide);
  reader.Integer("patch_size", c.patch_size, 1, kMaxSide);
  if (c.patch_size > c.image_size) {
    reader.Refuse("patch_size", fmt::format("must be at most image_size ({})", c.image_size));
  }
}

absl::Status ReadTextSection(ConfigReader reader, ClipConfig& c) {
  // CLIPTextConfig's defaults, which are not Stable Diffusion's.
  c.text.hidden_size = 512;
  c.text.intermediate_size = 2048;
  c.text.num_attention_heads = 8;
  reader.Only("model_type", "clip_text_model");
  ReadSizes(reader, c.text);
  reader.Integer("vocab_size", c.text.vocab_size, 3, 1 << 20);
  reader.Integer("max_position_embeddings", c.text.max_position_embeddings, 3, 1024);
  reader.Integer("eos_token_id", c.eos_token_id, 0, 1 << 20);
  return reader.status();
}

absl::Status ReadVisionSection(ConfigReader reader, VisionConfig& c) {
  reader.Only("model_type", "clip_vision_model");
  ReadVision(reader, c);
  return reader.status();
}

/// A length that is an integer, or an object of lengths.
struct Lengths {
  int64_t side = 0;  ///< of the integer
  int64_t shortest_edge = 0;
  int64_t width = 0;
  int64_t height = 0;
};

absl::StatusOr<Lengths> ReadLengths(const json& file, std::string_view source, const char* key) {
  Lengths lengths;
  if (!file[key].is_object()) {
    ConfigReader reader(file.dump(), source);
    reader.Integer(key, lengths.side, 1, kMaxSide);
    RETURN_IF_ERROR(reader.status());
    return lengths;
  }
  ConfigReader reader = Section(file, source, key);
  if (reader.Has("shortest_edge")) {
    reader.Integer("shortest_edge", lengths.shortest_edge, 1, kMaxSide);
  } else {
    const auto required = ConfigReader::Presence::kRequired;
    reader.Integer("width", lengths.width, 1, kMaxSide, required);
    reader.Integer("height", lengths.height, 1, kMaxSide, required);
  }
  for (const auto& other : reader.Unread()) reader.Off(other.c_str());
  RETURN_IF_ERROR(reader.status());
  return lengths;
}

/// The processor that the file names under one of its two keys, by the start of the class' name.
PictureProcessor ReadProcessor(ConfigReader& reader, PictureProcessor otherwise) {
  for (const char* key : {"image_processor_type", "feature_extractor_type"}) {
    std::string name;
    reader.Text(key, name);
    if (name.starts_with("CLIP")) return PictureProcessor::kClip;
    if (name.starts_with("ViT")) return PictureProcessor::kVit;
    if (!name.empty()) reader.Refuse(key, "must begin with CLIP or ViT");
  }
  return otherwise;
}

}  // namespace

absl::StatusOr<ClipConfig> ParseClipConfig(std::string_view text, std::string_view source) {
  ConfigReader reader(text, source);
  ClipConfig c;
  reader.Only("model_type", "clip");
  reader.Integer("projection_dim", c.projection_dim, 1, kMaxWidth);
  const char* text_key = reader.Has("text_config_dict") ? "text_config_dict" : "text_config";
  const char* vision_key =
      reader.Has("vision_config_dict") ? "vision_config_dict" : "vision_config";
  for (const char* key : {text_key, vision_key}) {
    if (!reader.Has(key)) reader.Refuse(key, "is required");
  }
  RETURN_IF_ERROR(reader.status());
  const json file = Parsed(text);
  RETURN_IF_ERROR(ReadTextSection(Section(file, source, text_key), c));
  RETURN_IF_ERROR(ReadVisionSection(Section(file, source, vision_key), c.vision));
  return c;
}

absl::StatusOr<VisionConfig> ParseDinoConfig(std::string_view text, std::string_view source) {
  ConfigReader reader(text, source);
  // ViTConfig's defaults.
  VisionConfig c{.patch_size = 16, .layer_norm_eps = 1e-12, .quick_gelu = false};
  reader.Only("model_type", "vit");
  ReadVision(reader, c);
  reader.Flag("qkv_bias", c.qkv_bias);
  RETURN_IF_ERROR(reader.status());
  return c;
}

absl::StatusOr<PictureConfig> ParsePictureConfig(std::string_view text, std::string_view source,
                                                 PictureProcessor processor) {
  ConfigReader reader(text, source);
  processor = ReadProcessor(reader, processor);
  RETURN_IF_ERROR(reader.status());
  const bool clip = processor == PictureProcessor::kClip;
  PictureConfig c;

  // Pillow's numbers of the filters.
  int64_t resample = clip ? 3 : 2;
  reader.Integer("resample", resample, 2, 3);
  c.filter = resample == 3 ? PictureConfig::Filter::kBicubic : PictureConfig::Filter::kBilinear;
  for (const char* key : {"do_resize", "do_rescale", "do_normalize"}) reader.Only(key, true);
  reader.Number("rescale_factor", c.rescale, 1e-6, 1);
  c.mean = clip ? std::vector{0.48145466, 0.4578275, 0.40821073} : std::vector{0.5, 0.5, 0.5};
  c.std = clip ? std::vector{0.26862954, 0.26130258, 0.27577711} : std::vector{0.5, 0.5, 0.5};
  reader.Numbers("image_mean", c.mean, -10, 10, 3);
  reader.Numbers("image_std", c.std, 1e-3, 10, 3);
  bool crops = clip;
  reader.Flag("do_center_crop", crops);
  RETURN_IF_ERROR(reader.status());

  const json file = Parsed(text);
  Lengths size{.side = 224};
  if (reader.Has("size")) {
    ASSIGN_OR_RETURN(size, ReadLengths(file, source, "size"));
  }
  // CLIP's processor takes one number as the shorter side, ViT's as both.
  c.shortest_edge = clip && size.side > 0 ? size.side : size.shortest_edge;
  c.width = !clip && size.side > 0 ? size.side : size.width;
  c.height = !clip && size.side > 0 ? size.side : size.height;
  if (crops) {
    Lengths crop{.side = 224};
    if (reader.Has("crop_size")) {
      ASSIGN_OR_RETURN(crop, ReadLengths(file, source, "crop_size"));
    }
    if (crop.shortest_edge > 0) reader.Refuse("crop_size", "must be a side, or width and height");
    c.crop_width = crop.side > 0 ? crop.side : crop.width;
    c.crop_height = crop.side > 0 ? crop.side : crop.height;
    if (c.crop_width > std::max(c.width, c.shortest_edge) ||
        c.crop_height > std::max(c.height, c.shortest_edge)) {
      reader.Refuse("crop_size", "must not exceed size");
    }
  } else if (c.shortest_edge > 0) {
    reader.Refuse("do_center_crop", "must be true if size is a shortest edge");
  }
  RETURN_IF_ERROR(reader.status());
  return c;
}

}  // namespace vico::worker
