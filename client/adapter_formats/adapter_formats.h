// Published ViCo checkpoints in and out. What is read: the authors' pair (cross_attention-N.pt and
// embeddings_gs-N.pt), mmagic's extracted .pth, mmagic's whole iter_N.pth; and our own safetensors.
// Done on the user's machine: docs/decisions/004.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/adapter_formats/foreign_names.h"
#include "common/formats/safetensors.h"

namespace vico::client {

/// What another program's files hold, under our names.
struct ForeignAdapter {
  ForeignFormat format = ForeignFormat::kAuthors;
  std::string placeholder;         ///< as the file has it: "*" with the authors
  std::vector<std::string> sites;  ///< in execution order
  std::vector<TensorView> tensors;
  std::vector<std::shared_ptr<const void>> owners;  ///< of the tensors' bytes
};

/// Whether the file is to be read by ReadForeignAdapter: it is torch.save's, also in its older
/// format. False, too, when it cannot be read.
bool IsForeign(const std::filesystem::path& file);

/// One file, or the authors' two in either order. kInvalidArgument naming the file and the key:
/// what is missing or too much, a shape or type that no image attention has; the rules of
/// torch_checkpoint.h; kNotFound for a missing file.
absl::StatusOr<ForeignAdapter> ReadForeignAdapter(const std::vector<std::filesystem::path>& files);

/// What the files do not say.
struct AdapterFileFacts {
  std::string base_model_digest;
  std::string placeholder;  ///< in place of the file's; empty: the file's
  std::string init_word;    ///< empty: not known
};

/// Writes an adapter file as docs/adapter-format.md has it. kInvalidArgument when a word cannot
/// stand in a prompt, naming the option that replaces it.
absl::Status WriteAdapterFile(const ForeignAdapter& adapter, const AdapterFileFacts& facts,
                              const std::filesystem::path& file);

/// An adapter file as the other program has it, by file name: the authors' pair, or one .pth named
/// after `name`. kFailedPrecondition when it is of the other dialect, or a site has no name there;
/// kInvalidArgument when it is no adapter file.
absl::StatusOr<std::map<std::string, std::string>> ForeignFiles(const SafetensorsFile& adapter,
                                                                ForeignFormat format,
                                                                const std::string& name);

}  // namespace vico::client
