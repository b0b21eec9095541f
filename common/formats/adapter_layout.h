// What an adapter file is made of, for all who read or write one: docs/adapter-format.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vico {

/// The learned word's tensor, [1, D].
inline constexpr std::string_view kPlaceholderEmbedding = "placeholder_embedding";

/// Between a site's name and a leaf's.
inline constexpr std::string_view kImageAttention = ".image_cross_attention.";

/// The leaves of one site's block and their shapes, for width d: 20 of them.
std::vector<std::pair<std::string, std::vector<int64_t>>> AdapterLeaves(int64_t d);

/// Whether a prompt can have it for the learned word: 1 to 32 characters of [A-Za-z0-9_*<>-].
bool IsPlaceholder(std::string_view word);

}  // namespace vico
