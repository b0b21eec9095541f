// Names and shapes of the tensors in an adapter file: docs/adapter-format.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vico {

/// The tensor of the learned word, [1, D].
inline constexpr std::string_view kPlaceholderEmbedding = "placeholder_embedding";

/// Stands between the names of a site and of a leaf.
inline constexpr std::string_view kImageAttention = ".image_cross_attention.";

/// The 20 leaves of the block at one site and their shapes, for a site of width d.
std::vector<std::pair<std::string, std::vector<int64_t>>> AdapterLeaves(int64_t d);

/// Whether the word can stand for the learned word in a prompt: 1 to 32 characters of
/// [A-Za-z0-9_*<>-].
bool IsPlaceholder(std::string_view word);

}  // namespace vico
