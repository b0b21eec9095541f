// Names of image attention in the checkpoints of other programs. Source: the keys in files of
// haoosz/ViCo (4ac2463) and mmagic (0a560bb), and the block order of ldm's UNetModel.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vico::client {

/// The program: the authors' (the paper's dialect) or mmagic.
enum class ForeignFormat { kAuthors, kMmagic };

/// "paper" or "mmagic", the value in an adapter file.
std::string_view DialectOf(ForeignFormat format);

/// A leaf of the image attention at one site.
struct ForeignLeaf {
  std::string site;  ///< Vico's name: "up_blocks.1.attentions.1"
  std::string leaf;  ///< "attn1.to_q.weight"
};

/// Parses a key of such a file:
///   diffusion_model.output_blocks.4.1.image_cross_attention.<leaf>       authors
///   unet.model.up_blocks.1.attentions.2.image_cross_attention.<leaf>     mmagic
/// nullopt for any other key.
std::optional<ForeignLeaf> ParseForeignKey(ForeignFormat format, std::string_view key);

/// The key of a leaf; nullopt for a site that the other program cannot name.
std::optional<std::string> ForeignKey(ForeignFormat format, std::string_view site,
                                      std::string_view leaf);

/// Prefix of the learned word in a key of mmagic.
inline constexpr std::string_view kMmagicWord =
    "text_encoder.model.text_model.embeddings.token_embedding.trainable_embeddings.";

/// A sort key: sites in the order in which the network runs them. nullopt for names that are not
/// transformers.
std::optional<int> ExecutionOrder(std::string_view site);

}  // namespace vico::client
