#include "client/adapter_formats/foreign_names.h"

#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "common/formats/adapter_layout.h"

namespace vico::client {
namespace {

// Three entries of a block list in ldm's U-Net are one block of diffusers: on the way down two
// layers and a resampler (after a first convolution), on the way up three layers.
constexpr int kPerBlock = 3;
constexpr std::string_view kAuthorsPrefix = "diffusion_model.";
constexpr std::string_view kMmagicPrefix = "unet.model.";

/// "a.12.b" -> "a", "12", "b".
std::vector<std::string_view> Parts(std::string_view name) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t dot = name.find('.');
    parts.push_back(name.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    name.remove_prefix(dot + 1);
  }
}

/// A number of 0..99 without sign or leading zeros.
std::optional<int> SmallNumber(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || number < 0 || number > 99 || fmt::format("{}", number) != text) {
    return std::nullopt;
  }
  return number;
}

/// The position of a transformer in the U-Net.
struct Site {
  enum class Way { kDown, kMiddle, kUp } way = Way::kUp;
  int block = 0;
  int attention = 0;
};

std::optional<Site> ParseSite(std::string_view name) {
  if (name == "mid_block.attentions.0") return Site{.way = Site::Way::kMiddle};
  const auto parts = Parts(name);
  if (parts.size() != 4 || parts[2] != "attentions") return std::nullopt;
  const auto block = SmallNumber(parts[1]);
  const auto attention = SmallNumber(parts[3]);
  const bool down = parts[0] == "down_blocks";
  if ((!down && parts[0] != "up_blocks") || !block || !attention) return std::nullopt;
  return Site{down ? Site::Way::kDown : Site::Way::kUp, *block, *attention};
}

std::string SiteName(const Site& site) {
  if (site.way == Site::Way::kMiddle) return "mid_block.attentions.0";
  return fmt::format("{}_blocks.{}.attentions.{}", site.way == Site::Way::kDown ? "down" : "up",
                     site.block, site.attention);
}

/// Parses names such as "output_blocks.4.1".
std::optional<Site> ParseLdmSite(std::string_view name) {
  if (name == "middle_block.1") return Site{.way = Site::Way::kMiddle};
  const auto parts = Parts(name);
  if (parts.size() != 3 || parts[2] != "1") return std::nullopt;
  const auto index = SmallNumber(parts[1]);
  if (!index) return std::nullopt;
  if (parts[0] == "output_blocks") {
    return Site{Site::Way::kUp, *index / kPerBlock, *index % kPerBlock};
  }
  if (parts[0] == "input_blocks" && *index % kPerBlock != 0) {
    return Site{Site::Way::kDown, (*index - 1) / kPerBlock, (*index - 1) % kPerBlock};
  }
  return std::nullopt;
}

std::optional<std::string> LdmSiteName(const Site& site) {
  switch (site.way) {
    case Site::Way::kMiddle:
      return "middle_block.1";
    case Site::Way::kUp:
      if (site.attention >= kPerBlock) return std::nullopt;
      return fmt::format("output_blocks.{}.1", kPerBlock * site.block + site.attention);
    case Site::Way::kDown:
      if (site.attention >= kPerBlock - 1) return std::nullopt;
      return fmt::format("input_blocks.{}.1", kPerBlock * site.block + site.attention + 1);
  }
  return std::nullopt;
}

}  // namespace

std::string_view DialectOf(ForeignFormat format) {
  return format == ForeignFormat::kAuthors ? "paper" : "mmagic";
}

std::optional<ForeignLeaf> ParseForeignKey(ForeignFormat format, std::string_view key) {
  const bool authors = format == ForeignFormat::kAuthors;
  const std::string_view prefix = authors ? kAuthorsPrefix : kMmagicPrefix;
  const size_t middle = key.find(kImageAttention);
  if (!key.starts_with(prefix) || middle == std::string_view::npos || middle < prefix.size()) {
    return std::nullopt;
  }
  const std::string_view name = key.substr(prefix.size(), middle - prefix.size());
  const auto site = authors ? ParseLdmSite(name) : ParseSite(name);
  if (!site) return std::nullopt;
  return ForeignLeaf{SiteName(*site), std::string(key.substr(middle + kImageAttention.size()))};
}

std::optional<std::string> ForeignKey(ForeignFormat format, std::string_view site,
                                      std::string_view leaf) {
  const auto parsed = ParseSite(site);
  if (!parsed) return std::nullopt;
  if (format == ForeignFormat::kMmagic) {
    return fmt::format("{}{}{}{}", kMmagicPrefix, site, kImageAttention, leaf);
  }
  const auto name = LdmSiteName(*parsed);
  if (!name) return std::nullopt;
  return fmt::format("{}{}{}{}", kAuthorsPrefix, *name, kImageAttention, leaf);
}

std::optional<int> ExecutionOrder(std::string_view site) {
  const auto parsed = ParseSite(site);
  if (!parsed) return std::nullopt;
  return static_cast<int>(parsed->way) * 10'000 + parsed->block * 100 + parsed->attention;
}

}  // namespace vico::client
