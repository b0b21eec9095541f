#include "worker/compvis/compvis_names.h"

#include <charconv>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

namespace vico::worker {
namespace {

constexpr std::string_view kUNetPrefix = "model.diffusion_model.";
constexpr std::string_view kVaePrefix = "first_stage_model.";
constexpr std::string_view kTextPrefix = "cond_stage_model.transformer.";

using Renamed = std::pair<std::string_view, std::string_view>;

/// Consumes the dot-separated parts of a name from the front.
class Parts {
 public:
  explicit Parts(std::string_view name) : rest_(name) {}

  std::string_view Next() {
    const auto dot = rest_.find('.');
    const auto part = rest_.substr(0, dot);
    rest_.remove_prefix(dot == std::string_view::npos ? rest_.size() : dot + 1);
    return part;
  }

  /// -1 for anything but a small number.
  int64_t NextNumber() {
    const auto part = Next();
    int value = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    return error == std::errc() && end == part.data() + part.size() ? value : -1;
  }

  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// `rest` with its prefix replaced; nullopt if it has none of the prefixes.
std::optional<std::string> Rename(std::string_view rest, std::initializer_list<Renamed> names) {
  for (const auto& [from, to] : names) {
    if (rest.starts_with(from)) return fmt::format("{}{}", to, rest.substr(from.size()));
  }
  return std::nullopt;
}

std::optional<std::string> Below(std::string_view place, const std::optional<std::string>& leaf) {
  if (!leaf) return std::nullopt;
  return fmt::format("{}.{}", place, *leaf);
}

std::optional<std::string> UNetResnet(std::string_view leaf) {
  return Rename(leaf, {{"in_layers.0.", "norm1."},
                       {"in_layers.2.", "conv1."},
                       {"emb_layers.1.", "time_emb_proj."},
                       {"out_layers.0.", "norm2."},
                       {"out_layers.3.", "conv2."},
                       {"skip_connection.", "conv_shortcut."}});
}

/// input_blocks: conv_in, then for each level its resnets and a downsampler.
std::optional<std::string> UNetInput(Parts parts, int64_t layers) {
  const int64_t i = parts.NextNumber();
  const int64_t j = parts.NextNumber();
  if (i < 0 || j < 0) return std::nullopt;
  if (i == 0) return fmt::format("conv_in.{}", parts.rest());
  const int64_t level = (i - 1) / (layers + 1);
  const int64_t layer = (i - 1) % (layers + 1);
  if (layer == layers) {
    return Below(fmt::format("down_blocks.{}.downsamplers.0", level),
                 Rename(parts.rest(), {{"op.", "conv."}}));
  }
  if (j == 0) {
    return Below(fmt::format("down_blocks.{}.resnets.{}", level, layer), UNetResnet(parts.rest()));
  }
  return fmt::format("down_blocks.{}.attentions.{}.{}", level, layer, parts.rest());
}

/// output_blocks: each level's resnets; an upsampler follows the last.
std::optional<std::string> UNetOutput(Parts parts, int64_t layers) {
  const int64_t i = parts.NextNumber();
  const int64_t j = parts.NextNumber();
  if (i < 0 || j < 0) return std::nullopt;
  const int64_t level = i / (layers + 1);
  const int64_t layer = i % (layers + 1);
  if (j == 0) {
    return Below(fmt::format("up_blocks.{}.resnets.{}", level, layer), UNetResnet(parts.rest()));
  }
  if (parts.rest().starts_with("conv.")) {
    return fmt::format("up_blocks.{}.upsamplers.0.{}", level, parts.rest());
  }
  return fmt::format("up_blocks.{}.attentions.{}.{}", level, layer, parts.rest());
}

std::optional<std::string> UNetName(std::string_view name, int64_t layers) {
  Parts parts(name);
  const auto block = parts.Next();
  if (block == "input_blocks") return UNetInput(parts, layers);
  if (block == "output_blocks") return UNetOutput(parts, layers);
  if (block != "middle_block") {
    return Rename(name, {{"time_embed.0.", "time_embedding.linear_1."},
                         {"time_embed.2.", "time_embedding.linear_2."},
                         {"out.0.", "conv_norm_out."},
                         {"out.2.", "conv_out."}});
  }
  switch (parts.NextNumber()) {
    case 0:
      return Below("mid_block.resnets.0", UNetResnet(parts.rest()));
    case 1:
      return fmt::format("mid_block.attentions.0.{}", parts.rest());
    case 2:
      return Below("mid_block.resnets.1", UNetResnet(parts.rest()));
    default:
      return std::nullopt;
  }
}

std::string VaeResnet(std::string_view leaf) {
  return Rename(leaf, {{"nin_shortcut.", "conv_shortcut."}}).value_or(std::string(leaf));
}

std::optional<std::string> VaeMiddle(std::string_view side, Parts parts) {
  const auto part = parts.Next();
  const auto rest = parts.rest();
  if (part == "block_1") return fmt::format("{}.mid_block.resnets.0.{}", side, VaeResnet(rest));
  if (part == "block_2") return fmt::format("{}.mid_block.resnets.1.{}", side, VaeResnet(rest));
  if (part != "attn_1") return std::nullopt;
  // Some merged files use diffusers' leaf names within ldm's names.
  return Below(fmt::format("{}.mid_block.attentions.0", side),
               Rename(rest, {{"norm.", "group_norm."},
                             {"q.", "to_q."},
                             {"k.", "to_k."},
                             {"v.", "to_v."},
                             {"proj_out.", "to_out.0."},
                             {"to_q.", "to_q."},
                             {"to_k.", "to_k."},
                             {"to_v.", "to_v."},
                             {"to_out.0.", "to_out.0."}}));
}

std::optional<std::string> VaeName(std::string_view name, int64_t levels) {
  if (name.starts_with("quant_conv.") || name.starts_with("post_quant_conv.")) {
    return std::string(name);
  }
  Parts parts(name);
  const auto side = parts.Next();
  if (side != "encoder" && side != "decoder") return std::nullopt;
  const auto leaf = Rename(
      parts.rest(),
      {{"conv_in.", "conv_in."}, {"conv_out.", "conv_out."}, {"norm_out.", "conv_norm_out."}});
  if (leaf) return Below(side, leaf);
  const auto block = parts.Next();
  if (block == "mid") return VaeMiddle(side, parts);
  const bool down = block == "down" && side == "encoder";
  if (!down && !(block == "up" && side == "decoder")) return std::nullopt;
  const int64_t i = parts.NextNumber();
  if (i < 0 || i >= levels) return std::nullopt;
  // The decoder's levels are counted from the finest, diffusers' from the coarsest.
  const std::string place = down ? fmt::format("encoder.down_blocks.{}", i)
                                 : fmt::format("decoder.up_blocks.{}", levels - 1 - i);
  if (parts.rest().starts_with("block.")) {
    parts.Next();
    const int64_t j = parts.NextNumber();
    if (j < 0) return std::nullopt;
    return fmt::format("{}.resnets.{}.{}", place, j, VaeResnet(parts.rest()));
  }
  return Below(place, Rename(parts.rest(), {{"downsample.conv.", "downsamplers.0.conv."},
                                            {"upsample.conv.", "upsamplers.0.conv."}}));
}

}  // namespace

std::optional<CompVisName> FromCompVis(std::string_view name, const CompVisLayout& layout) {
  const auto as = [](Network network,
                     std::optional<std::string> ours) -> std::optional<CompVisName> {
    if (!ours) return std::nullopt;
    return CompVisName{network, *std::move(ours)};
  };
  const auto take = [&](std::string_view prefix) {
    const bool taken = name.starts_with(prefix);
    if (taken) name.remove_prefix(prefix.size());
    return taken;
  };
  if (take(kUNetPrefix)) {
    return as(Network::kUNet, UNetName(name, layout.unet_layers_per_block));
  }
  if (take(kVaePrefix)) return as(Network::kVae, VaeName(name, layout.vae_levels));
  if (take(kTextPrefix)) return as(Network::kText, std::string(name));
  return std::nullopt;
}

std::optional<std::string_view> WithoutPrefix(std::string_view name) {
  for (const std::string_view prefix : {kUNetPrefix, kVaePrefix, kTextPrefix}) {
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  }
  return std::nullopt;
}

}  // namespace vico::worker
