// Writes files that torch.load reads.
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

/// The caller writes the pickle with pickle(), except for tensors, which are members of the archive
/// and are written with Tensor() and Parameter().
class TorchCheckpointWriter {
 public:
  /// `name` is the folder inside the archive. torch.save uses the file name without extension.
  explicit TorchCheckpointWriter(std::string name) : name_(std::move(name)) {}

  PickleWriter& pickle() { return pickle_; }

  /// Writes a value: a tensor, or a Parameter with requires_grad. The bytes must fit dtype and
  /// shape.
  void Tensor(const TensorView& tensor);
  void Parameter(const TensorView& tensor);

  /// The bytes of the file. kInvalidArgument if it exceeds the limits of ZipWriter.
  absl::StatusOr<std::string> Finish() &&;

 private:
  std::string name_;
  PickleWriter pickle_;
  std::vector<std::span<const std::byte>> storages_;  // must live until Finish()
};

/// A plain dict of the tensors, in this order. torch.load reads it with weights_only=True.
absl::StatusOr<std::string> SerializeStateDict(std::string name,
                                               std::span<const TensorView> tensors);

}  // namespace vico
