// Converts between adapter files and the checkpoints of other ViCo programs. It reads the authors'
// pair (cross_attention-N.pt and embeddings_gs-N.pt), mmagic's extracted .pth and mmagic's whole
// iter_N.pth. This runs on the user's machine: docs/decisions/004.
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

/// The content of another program's files, with Vico's names.
struct ForeignAdapter {
  ForeignFormat format = ForeignFormat::kAuthors;
  std::string placeholder;         ///< as in the file; "*" in the authors' files
  std::vector<std::string> sites;  ///< in execution order
  std::vector<TensorView> tensors;
  std::vector<std::shared_ptr<const void>> owners;  ///< of the bytes of `tensors`
};

/// Whether ReadForeignAdapter() should read the file: it starts like a file of torch.save, in the
/// current or the older format. False for a file that cannot be read.
bool IsForeign(const std::filesystem::path& file);

/// Reads one file, or the authors' two in either order. kNotFound for a missing file.
/// kInvalidArgument that names the file and the key: a tensor is missing, unknown, or has a wrong
/// shape or type, or the file breaks a rule of torch_checkpoint.h.
absl::StatusOr<ForeignAdapter> ReadForeignAdapter(const std::vector<std::filesystem::path>& files);

/// Metadata that the files do not contain.
struct AdapterFileFacts {
  std::string base_model_digest;
  std::string placeholder;  ///< replaces the file's unless empty
  std::string init_word;    ///< empty: unknown
};

/// Writes an adapter file (docs/adapter-format.md). kInvalidArgument that names the option
/// --placeholder if the placeholder is not valid in a prompt.
absl::Status WriteAdapterFile(const ForeignAdapter& adapter, const AdapterFileFacts& facts,
                              const std::filesystem::path& file);

/// The files of the other program by file name: the authors' pair, or one .pth named after `name`.
/// kFailedPrecondition if the adapter has the other dialect or a site that the other program cannot
/// name; kInvalidArgument if it is not an adapter file.
absl::StatusOr<std::map<std::string, std::string>> ForeignFiles(const SafetensorsFile& adapter,
                                                                ForeignFormat format,
                                                                const std::string& name);

}  // namespace vico::client
