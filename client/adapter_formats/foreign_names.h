// Names of image attention in other programs' checkpoints. Source: the key lists of haoosz/ViCo's
// and mmagic's own files; ldm's UNetModel for which block is which.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vico::client {

/// Whose names: the authors' (the paper's dialect) or mmagic's.
enum class ForeignFormat { kAuthors, kMmagic };

/// "paper" or "mmagic", as an adapter file's metadata has it.
std::string_view DialectOf(ForeignFormat format);

/// A leaf of a site's image attention.
struct ForeignLeaf {
  std::string site;  ///< our name: "up_blocks.1.attentions.1"
  std::string leaf;  ///< "attn1.to_q.weight"
};

/// What a key of such a file names:
///   diffusion_model.output_blocks.4.1.image_cross_attention.<leaf>       the authors'
///   unet.model.up_blocks.1.attentions.2.image_cross_attention.<leaf>     mmagic's
/// Nothing for a key of another kind.
std::optional<ForeignLeaf> ParseForeignKey(ForeignFormat format, std::string_view key);

/// The same the other way round; nothing for a site that has no name there.
std::optional<std::string> ForeignKey(ForeignFormat format, std::string_view site,
                                      std::string_view leaf);

/// What stands before the learned word in a key of mmagic's.
inline constexpr std::string_view kMmagicWord =
    "text_encoder.model.text_model.embeddings.token_embedding.trainable_embeddings.";

/// Where the site comes when the network runs, for sorting; nothing when it is no transformer's
/// name.
std::optional<int> ExecutionOrder(std::string_view site);

}  // namespace vico::client
