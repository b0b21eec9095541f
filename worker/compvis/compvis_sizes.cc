#include "worker/compvis/compvis_sizes.h"

#include <string>

#include <absl/status/status.h>
#include <fmt/format.h>

namespace vico::worker {
namespace {

constexpr const char* kUNet = "model.diffusion_model.";
constexpr const char* kVae = "first_stage_model.";
constexpr const char* kText = "cond_stage_model.transformer.";
constexpr int64_t kMaxParts = 64;  // levels, resnets of a level, layers
constexpr int64_t kMaxWidth = 8192;
constexpr int64_t kHeads = 8;
constexpr int64_t kTextHeads = 12;

/// Reads shapes and keeps the first error.
class Shapes {
 public:
  explicit Shapes(const SafetensorsFile& file) : file_(file) {}

  bool Has(const std::string& name) const { return file_.Find(name) != nullptr; }

  /// Size `index` of a tensor of rank `rank`; 1 and an error if there is no such tensor.
  int64_t Size(const std::string& name, size_t rank, size_t index, int64_t max = kMaxWidth) {
    const TensorInfo* tensor = file_.Find(name);
    if (tensor == nullptr) {
      Refuse(name, "is missing, and every checkpoint of Stable Diffusion 1.x has it");
      return 1;
    }
    if (tensor->shape.size() != rank || tensor->shape[index] < 1 || tensor->shape[index] > max) {
      Refuse(name, fmt::format("must have {} sizes, size {} in 1..{}, found {}", rank, index, max,
                               ShapeText(tensor->shape)));
      return 1;
    }
    return tensor->shape[index];
  }

  /// The output channels of a convolution, which must be a multiple of `divisor`.
  int64_t Width(const std::string& name, int64_t divisor) {
    const int64_t width = Size(name, 4, 0);
    if (width % divisor != 0) {
      Refuse(name, fmt::format("must have a multiple of {} channels, found {}", divisor, width));
    }
    return width;
  }

  void Refuse(const std::string& name, std::string_view what) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        fmt::format("{}: tensor \"{}\": {}", file_.source(), name, what));
  }

  const absl::Status& status() const { return status_; }

 private:
  const SafetensorsFile& file_;
  absl::Status status_;
};

UNetConfig UNetSizes(Shapes& shapes) {
  UNetConfig c;
  const auto input = [](int64_t i, const char* leaf) {
    return fmt::format("{}input_blocks.{}.{}", kUNet, i, leaf);
  };
  c.in_channels = shapes.Size(input(0, "0.weight"), 4, 1);
  c.out_channels = shapes.Size(fmt::format("{}out.2.weight", kUNet), 4, 0);
  c.block_out_channels.clear();
  c.down_attention.clear();
  // Resnets up to the next downsampler are one level.
  int64_t layers = 0;
  int64_t last_layers = 0;
  const auto end_level = [&](int64_t i) {
    if (c.block_out_channels.size() > 1 && layers != last_layers) {
      shapes.Refuse(input(i, "0"), "each level must have as many resnets as the one before");
    }
    last_layers = layers;
    layers = 0;
  };
  for (int64_t i = 1; i <= kMaxParts; ++i) {
    if (shapes.Has(input(i, "0.op.weight"))) {
      end_level(i);
      continue;
    }
    const std::string conv = input(i, "0.in_layers.2.weight");
    if (!shapes.Has(conv)) {
      if (i == 1) shapes.Size(conv, 4, 0);  // records the error that it is missing
      end_level(i);
      break;
    }
    if (layers++ == 0) {
      c.block_out_channels.push_back(shapes.Width(conv, 32));
      c.down_attention.push_back(shapes.Has(input(i, "1.norm.weight")));
    }
  }
  c.layers_per_block = last_layers;
  const auto levels = static_cast<int64_t>(c.block_out_channels.size());
  c.up_attention.clear();
  for (int64_t level = 0; level < levels; ++level) {
    c.up_attention.push_back(shapes.Has(
        fmt::format("{}output_blocks.{}.1.norm.weight", kUNet, level * (last_layers + 1))));
  }
  c.heads.assign(c.block_out_channels.size(), kHeads);
  c.cross_attention_dim = shapes.Size(
      fmt::format("{}middle_block.1.transformer_blocks.0.attn2.to_k.weight", kUNet), 2, 1);
  return c;
}

VaeConfig VaeSizes(Shapes& shapes) {
  VaeConfig c;
  const auto conv = [](int64_t level, int64_t layer) {
    return fmt::format("{}encoder.down.{}.block.{}.conv1.weight", kVae, level, layer);
  };
  c.latent_channels = shapes.Size(fmt::format("{}post_quant_conv.weight", kVae), 4, 0);
  c.block_out_channels.clear();
  for (int64_t level = 0; level == 0 || (level < 8 && shapes.Has(conv(level, 0))); ++level) {
    c.block_out_channels.push_back(shapes.Width(conv(level, 0), 32));
  }
  c.layers_per_block = 1;
  while (c.layers_per_block < kMaxParts && shapes.Has(conv(0, c.layers_per_block))) {
    ++c.layers_per_block;
  }
  return c;
}

ClipTextConfig TextSizes(Shapes& shapes) {
  ClipTextConfig c;
  // Files of newer transformers leave out one level of names.
  std::string root = fmt::format("{}text_model.", kText);
  if (shapes.Has(fmt::format("{}embeddings.token_embedding.weight", kText))) root = kText;
  const std::string words = root + "embeddings.token_embedding.weight";
  const auto fc1 = [&](int64_t layer) {
    return fmt::format("{}encoder.layers.{}.mlp.fc1.weight", root, layer);
  };
  c.vocab_size = shapes.Size(words, 2, 0, 1 << 20);
  c.hidden_size = shapes.Size(words, 2, 1);
  c.max_position_embeddings =
      shapes.Size(root + "embeddings.position_embedding.weight", 2, 0, 1024);
  c.intermediate_size = shapes.Size(fc1(0), 2, 0, 8 * kMaxWidth);
  c.num_hidden_layers = 1;
  while (c.num_hidden_layers < kMaxParts && shapes.Has(fc1(c.num_hidden_layers))) {
    ++c.num_hidden_layers;
  }
  c.num_attention_heads = kTextHeads;
  if (c.hidden_size % kTextHeads != 0) {
    shapes.Refuse(words, fmt::format("must have a multiple of {} columns, found {}", kTextHeads,
                                     c.hidden_size));
  }
  return c;
}

}  // namespace

absl::StatusOr<CompVisSizes> ReadCompVisSizes(const SafetensorsFile& file) {
  Shapes shapes(file);
  CompVisSizes sizes{UNetSizes(shapes), VaeSizes(shapes), TextSizes(shapes)};
  if (!shapes.status().ok()) return shapes.status();
  return sizes;
}

}  // namespace vico::worker
