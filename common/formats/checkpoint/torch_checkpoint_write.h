// A file that torch.load reads: the writing half of torch_checkpoint.h.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "common/formats/checkpoint/pickle_writer.h"
#include "common/formats/checkpoint/zip_writer.h"
#include "common/formats/safetensors.h"

namespace vico {

/// The pickle is the caller's to write; tensors in it go through here, since each has a member of
/// its own.
class TorchCheckpointWriter {
 public:
  /// `name`: of the folder inside the archive; torch.save takes the file's name without extension.
  explicit TorchCheckpointWriter(std::string name) : name_(std::move(name)) {}

  PickleWriter& pickle() { return pickle_; }

  /// Writes a tensor, or a Parameter that asks for gradients, where a value is due. Its bytes must
  /// fit dtype and shape.
  void Tensor(const TensorView& tensor);
  void Parameter(const TensorView& tensor);

  /// The file's bytes. kInvalidArgument when it would be too large, as ZipWriter.
  absl::StatusOr<std::string> Finish() &&;

 private:
  std::string name_;
  PickleWriter pickle_;
  std::vector<std::span<const std::byte>> storages_;  // until Finish
};

/// A plain dict of tensors, in this order; torch.load reads it with weights_only=True.
absl::StatusOr<std::string> SerializeStateDict(std::string name,
                                               std::span<const TensorView> tensors);

}  // namespace vico
