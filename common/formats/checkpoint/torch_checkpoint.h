// Reads files of torch.save (PyTorch 1.6 or later): zip archives with one pickle and one member per
// storage. It neither needs PyTorch nor executes anything in the file. The file is mapped, and only
// the tensors that the caller reads are touched.
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
  /// Limit of zip members: one per storage and about six more. The U-Net of Stable Diffusion 1.x
  /// has 686.
  size_t members = 1024;
  PickleLimits pickle;

  /// For checkpoints of a whole training: three networks and the state of the optimizer are about
  /// 1,500 storages, and logs and settings contain objects of unknown classes.
  static CheckpointOptions WholeTraining();
};

/// A tensor of the file; it fits its storage.
struct CheckpointTensor {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  ///< in elements
  uint64_t offset = 0;           ///< of the first element in the storage, in elements
  const ZipMember* storage = nullptr;
};

/// The elements of a tensor, row-major, little-endian.
struct TensorBytes {
  std::span<const std::byte> view;
  /// Owns the bytes of `view` if the file has the elements in another order; else null.
  std::shared_ptr<const std::string> copy = {};
};

/// Movable. Views that it returns are valid while it lives. One thread at a time.
class TorchCheckpoint {
 public:
  /// kNotFound for a missing file. kInvalidArgument that names the file and the problem: a rule of
  /// zip_reader.h or pickle_tree.h, a member that torch.save does not write, a tensor that reaches
  /// beyond its storage. For a file of the format before 1.6, which is not a zip archive, the
  /// message says how to convert it.
  static absl::StatusOr<TorchCheckpoint> Open(const std::string& path,
                                              const CheckpointOptions& options = {});
  static absl::StatusOr<TorchCheckpoint> FromBytes(std::string bytes, std::string source,
                                                   const CheckpointOptions& options = {});

  const std::string& source() const { return source_; }
  const PickleTree& tree() const { return tree_; }
  const PickleNode& root() const { return tree_.root(); }

  /// Describes `node`, which must be a tensor.
  CheckpointTensor Tensor(const PickleNode& node) const;

  /// The tensors of a dict with string keys, such as a state_dict, by key. kInvalidArgument that
  /// names the key of any other value.
  absl::StatusOr<std::map<std::string, CheckpointTensor>> Tensors(const PickleNode& dict) const;

  /// The elements of the tensor: a view of the file if they are row-major there, else a copy.
  /// kInvalidArgument if the checksum of the member is wrong (it is verified once per member), or
  /// if a tensor that is not row-major has more elements than its storage.
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
  std::vector<ZipMember> members_;  // ascending by name; constant after Parse
  std::vector<bool> summed_;        // per member: its checksum has been verified
  std::string folder_;              // "<name>/", the prefix of every member's name
  PickleTree tree_;
};

}  // namespace vico
