// Tensors and module parameters to and from safetensors files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/formats/safetensors.h"
#include "worker/model/torch.h"

namespace vico::worker {

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

/// A tensor of a weight file, which must stay open meanwhile.
struct StoredTensor {
  std::string name;    ///< of the parameter it is for
  std::string stored;  ///< its name in the file
  std::string source;  ///< the file, for messages
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  ///< row-major, not always aligned
};

/// The name a parameter of ours has for a name of diffusers or transformers: old ones of the VAE's
/// attention (query, key, value, proj_attn) and transformers 5's of the text tower are accepted.
std::string CurrentName(std::string name);

/// All tensors of a file, for the parameters of their CurrentName().
std::vector<StoredTensor> StoredTensors(const SafetensorsFile& file);

/// Copies the tensors into the module's parameters, keeping their dtype and device. Strict both
/// ways: each parameter is there and each tensor is a parameter, with the same shape. Accepted
/// besides: [d, e, 1, 1] for [d, e], and what text encoders' files hold and Stable Diffusion does
/// not use (position_ids, text_projection). kInvalidArgument naming file, tensor, expected and
/// found shape; the module is then partly loaded. `source` is the file to name for a tensor that is
/// nowhere.
absl::Status LoadParameters(torch::nn::Module& module, std::span<const StoredTensor> tensors,
                            std::string_view source);

/// All of a file.
absl::Status LoadParameters(torch::nn::Module& module, const SafetensorsFile& file);

/// Writes all parameters as `dtype` under their names.
absl::Status SaveParameters(const torch::nn::Module& module, const std::string& path,
                            torch::ScalarType dtype, const Metadata& metadata);

}  // namespace vico::worker
