// Reads and writes the metadata of adapter files: docs/adapter-format.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

namespace vico {

struct AdapterHeader {
  std::string dialect = "paper";   ///< or "mmagic"
  std::string base_model_digest;   ///< SHA-256 of the base model that it was trained on
  std::string placeholder = "S*";  ///< the learned word in prompts
  std::string init_word;           ///< empty: unknown, as in imported files
  std::vector<std::string> sites;  ///< 1 to 16, for example "up_blocks.1.attentions.1"
  int64_t steps = 0;               ///< of the training; 0: unknown
  uint64_t seed = 0;
  std::string code_version;      ///< of the program that trained it
  std::string config;            ///< JSON: the training's spec
  std::string reference_sha256;  ///< of the reference picture's file; empty: unknown
  std::string imported_from;     ///< "authors" or "mmagic"; empty: trained by Vico
};

/// Ignores unknown keys. kInvalidArgument that names the key; the caller adds the name of the file.
absl::StatusOr<AdapterHeader> ReadAdapterHeader(const std::map<std::string, std::string>& metadata);

/// The metadata of a new file. An imported adapter has no record of its training: no steps, seed,
/// code_version and config.
std::map<std::string, std::string> AdapterMetadata(const AdapterHeader& header);

}  // namespace vico
