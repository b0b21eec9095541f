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
  std::string index;               ///< path of the JSON file that names the shards; empty without
  std::map<std::string, std::string> shard_of;  ///< tensor -> file name, as the index says

  /// The file to name in messages about the whole.
  const std::string& source() const { return index.empty() ? paths.front() : index; }
};

/// Looks for <folder>/<stem>.safetensors, its index, the fp16 variants of both, and then for
/// <stem>.bin and pytorch_model.bin, of which nothing is ever run. kNotFound when there is none;
/// kInvalidArgument naming the index when it breaks a rule: shards lie in the folder itself, and
/// each is there.
absl::StatusOr<WeightFiles> FindWeightFiles(const std::string& folder, const std::string& stem);

/// Open files and their tensors, which live as long as this does.
struct Weights {
  std::vector<std::shared_ptr<const void>> owners;  ///< of what the tensors' bytes are in
  std::vector<StoredTensor> tensors;
};

/// Maps the files. kInvalidArgument naming file and tensor when one breaks a rule, or when shards
/// and index disagree.
absl::StatusOr<Weights> OpenWeights(const WeightFiles& files);

}  // namespace vico::worker
