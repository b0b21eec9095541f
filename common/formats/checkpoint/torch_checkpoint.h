// A file of torch.save (PyTorch 1.6 or later), read without PyTorch and without running anything
// that is in it: a zip archive of one pickle and one member a storage. The file is mapped; only
// what is asked for is read.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/formats/checkpoint/pickle_tree.h"
#include "common/formats/checkpoint/zip_reader.h"
#include "common/formats/mapped_file.h"
#include "common/formats/safetensors.h"

namespace vico {

struct CheckpointOptions {
  /// Zip members: one a storage and some six more. The U-Net of Stable Diffusion 1.x has 686.
  size_t members = 1024;
  PickleLimits pickle;

  /// For a training's whole checkpoint: three networks and the optimizer's state are some 1,500
  /// storages, and its log and settings hold objects of classes that only their programs have.
  static CheckpointOptions WholeTraining();
};

/// One tensor of the file, checked against its storage.
struct CheckpointTensor {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  ///< in elements
  uint64_t offset = 0;           ///< of its first element in the storage, in elements
  const ZipMember* storage = nullptr;
};

/// A tensor's elements, row-major, little-endian.
struct TensorBytes {
  std::span<const std::byte> view;
  std::shared_ptr<const std::string> copy = {};  ///< holds what `view` sees, where the file has
                                                 ///< another order
};

/// Movable. What it returns lives as long as it does. One thread at a time.
class TorchCheckpoint {
 public:
  /// kNotFound when the file is missing, kInvalidArgument naming the file and what is wrong: the
  /// rules of zip_reader.h and pickle_tree.h, a member that torch.save does not write, a tensor
  /// that reaches beyond its storage. A file of the older format, which is no zip archive, is
  /// refused with the way to convert it.
  static absl::StatusOr<TorchCheckpoint> Open(const std::string& path,
                                              const CheckpointOptions& options = {});
  static absl::StatusOr<TorchCheckpoint> FromBytes(std::string bytes, std::string source,
                                                   const CheckpointOptions& options = {});

  const std::string& source() const { return source_; }
  const PickleTree& tree() const { return tree_; }
  const PickleNode& root() const { return tree_.root(); }

  /// What `node`, a tensor, says of itself.
  CheckpointTensor Tensor(const PickleNode& node) const;

  /// The tensors of a dict with string keys, as a state_dict is one, by key. kInvalidArgument
  /// naming the key when it holds anything else.
  absl::StatusOr<std::map<std::string, CheckpointTensor>> Tensors(const PickleNode& dict) const;

  /// The tensor's elements; a view of the file where it has them row-major, else a copy.
  /// kInvalidArgument when the member's checksum is wrong (it is looked at once a member), or a
  /// tensor that is not row-major has more elements than its storage.
  absl::StatusOr<TensorBytes> Read(const CheckpointTensor& tensor);

 private:
  TorchCheckpoint() = default;
  static absl::StatusOr<TorchCheckpoint> Take(MappedBytes file, std::string source,
                                              const CheckpointOptions& options);
  absl::Status Parse(std::span<const std::byte> file, const CheckpointOptions& options);
  absl::Status CheckMembers();
  absl::Status CheckTensor(const PickleNode& node) const;
  absl::Status CheckSum(const ZipMember& member);
  const ZipMember* Member(std::string_view record) const;

  std::string source_;
  std::shared_ptr<const void> owner_;
  std::vector<ZipMember> members_;  // ascending by name; not changed after Parse
  std::vector<bool> summed_;        // whose checksum was right
  std::string folder_;              // "<name>/", before every member's name
  PickleTree tree_;
};

}  // namespace vico
