#include "worker/base_model/foreign_base.h"

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "worker/base_model/known_files.h"

namespace vico::worker {
namespace {

using nlohmann::json;

constexpr std::string_view kXl = "Stable Diffusion XL";
constexpr std::string_view k2 = "Stable Diffusion 2.x";
constexpr std::string_view kInpainting = "a model for inpainting";

json Object(std::string_view text) {
  auto parsed = json::parse(text.begin(), text.end(), nullptr, false);
  return parsed.is_object() ? parsed : json::object();
}

json Value(const json& object, const char* key) { return object.value(key, json()); }

/// Whether model_index.json has this part: neither null nor [null, null].
bool HasPart(const json& index, const char* key) {
  const json part = Value(index, key);
  return part.is_array() && !part.empty() && part[0].is_string();
}

}  // namespace

absl::Status RefuseForeignIndex(std::string_view text, std::string_view source) {
  const json index = Object(text);
  const json value = Value(index, "_class_name");
  if (!value.is_string()) return absl::OkStatus();
  const auto name = value.get<std::string>();
  const auto says = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  const std::string found = fmt::format("_class_name {}", name.substr(0, 80));
  if (says("XL")) return Foreign(source, found, kXl);
  if (says("StableDiffusion3")) return Foreign(source, found, "Stable Diffusion 3");
  if (says("Flux")) return Foreign(source, found, "FLUX");
  if (says("Onnx")) return Foreign(source, found, "an ONNX export; take its weights for PyTorch");
  if (says("ControlNet")) return Foreign(source, found, "a ControlNet");
  if (says("Inpaint")) return Foreign(source, found, kInpainting);
  if (name != "StableDiffusionPipeline") return Foreign(source, found, "another model");
  for (const char* key : {"text_encoder_2", "tokenizer_2"}) {
    if (HasPart(index, key)) return Foreign(source, key, kXl);
  }
  if (HasPart(index, "transformer")) {
    return Foreign(source, "transformer", "a diffusion transformer");
  }
  return absl::OkStatus();
}

absl::Status RefuseForeignUNet(std::string_view text, std::string_view source) {
  const json config = Object(text);
  if (Value(config, "addition_embed_type") == "text_time") {
    return Foreign(source, "addition_embed_type text_time", kXl);
  }
  const json width = Value(config, "cross_attention_dim");
  if (width == 2048) return Foreign(source, "cross_attention_dim 2048", kXl);
  if (width == 1024) return Foreign(source, "cross_attention_dim 1024", k2);
  if (Value(config, "use_linear_projection") == true) {
    return Foreign(source, "use_linear_projection true", k2);
  }
  const json inputs = Value(config, "in_channels");
  if (inputs.is_number_integer() && inputs > 4 && inputs < 10) {
    return Foreign(source, fmt::format("in_channels {}", inputs.get<int>()),
                   WhatInputsMean(inputs.get<int>()));
  }
  return absl::OkStatus();
}

absl::Status RefuseForeignTextEncoder(std::string_view text, std::string_view source) {
  const json config = Object(text);
  const json layers = Value(config, "num_hidden_layers");
  if (layers == 23 || (layers == 24 && Value(config, "hidden_size") == 1024)) {
    return Foreign(source, fmt::format("num_hidden_layers {}", layers.get<int>()), k2);
  }
  return absl::OkStatus();
}

}  // namespace vico::worker
