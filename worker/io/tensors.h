// Tensors and module parameters to and from safetensors files.
#pragma once

#include <map>
#include <set>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/safetensors.h"
#include "worker/model/torch.h"

namespace vico {

using TensorMap = std::map<std::string, torch::Tensor>;
using Metadata = std::map<std::string, std::string>;

/// One tensor on the CPU with the file's dtype, sharing no memory with the file.
torch::Tensor ReadTensor(const SafetensorsFile& file, const TensorInfo& info);

/// Every tensor of the file, likewise.
TensorMap ReadTensors(const SafetensorsFile& file);

/// Any device and strides; written as they are, row-major. kInvalidArgument for a dtype the format
/// does not have.
absl::StatusOr<std::string> SerializeTensors(const TensorMap& tensors, const Metadata& metadata);
absl::Status WriteTensors(const std::string& path, const TensorMap& tensors,
                          const Metadata& metadata);

struct LoadOptions {
  /// Tensors of the file that no parameter needs to want.
  std::set<std::string> ignored = {"text_model.embeddings.position_ids"};
};

/// Copies the file into the module's parameters, keeping their dtype and device. Strict both ways:
/// each parameter is in the file and each tensor of the file is a parameter, with the same shape.
/// Accepted besides: old names of the VAE's attention (query, key, value, proj_attn), and [d, e, 1,
/// 1] for [d, e]. kInvalidArgument naming file, tensor, expected and found shape; the module is
/// then partly loaded.
absl::Status LoadParameters(torch::nn::Module& module, const SafetensorsFile& file,
                            const LoadOptions& options = {});

/// Writes all parameters as `dtype` under their names.
absl::Status SaveParameters(const torch::nn::Module& module, const std::string& path,
                            torch::ScalarType dtype, const Metadata& metadata);

}  // namespace vico
