// The weight files of one network: a safetensors file, the shards that an index names, or a
// state_dict of torch.save.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/io/tensors.h"

namespace vico::worker {

struct WeightFiles {
  std::vector<std::string> paths;  ///< one file, or the shards, ascending
  std::string index;               ///< path of the JSON file that names the shards; may be empty
  std::map<std::string, std::string> shard_of;  ///< tensor -> file name, from the index

  /// The file to name in messages about all weights.
  const std::string& source() const { return index.empty() ? paths.front() : index; }
};

/// Looks for <folder>/<stem>.safetensors, its index, the fp16 variants of both, and then for
/// <stem>.bin and pytorch_model.bin, whose pickled code is never executed. kNotFound if there is
/// none; kInvalidArgument naming the index if a shard is missing or not in the folder itself.
absl::StatusOr<WeightFiles> FindWeightFiles(const std::string& folder, const std::string& stem);

/// Open files and their tensors, which are valid as long as this object.
struct Weights {
  std::vector<std::shared_ptr<const void>> owners;  ///< keep the tensors' bytes mapped
  std::vector<StoredTensor> tensors;
};

/// Maps the files. kInvalidArgument naming file and tensor if a file is invalid or if shards and
/// index disagree.
absl::StatusOr<Weights> OpenWeights(const WeightFiles& files);

}  // namespace vico::worker
