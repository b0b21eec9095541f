// Reads and writes tensors and module parameters in safetensors files.
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

/// A copy of one tensor, on the CPU and with the file's dtype; numbers of 8 bits become fp32.
/// Throws c10::Error for a type that LibTorch 1.13 does not have.
torch::Tensor ReadTensor(const SafetensorsFile& file, const TensorInfo& info);

/// A copy of every tensor of the file.
TensorMap ReadTensors(const SafetensorsFile& file);

/// Writes tensors of any device and strides, row-major and with their dtype. kInvalidArgument for a
/// dtype that the format does not have.
absl::StatusOr<std::string> SerializeTensors(const TensorMap& tensors, const Metadata& metadata);
absl::Status WriteTensors(const std::string& path, const TensorMap& tensors,
                          const Metadata& metadata);

/// A tensor in a weight file, which must stay open.
struct StoredTensor {
  std::string name;    ///< of its parameter
  std::string stored;  ///< its name in the file
  std::string source;  ///< the file, for messages
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  ///< row-major, not always aligned
};

/// The parameter's name for a name of diffusers or transformers. Accepts the old names of the VAE's
/// attention (query, key, value, proj_attn) and transformers 5's names of the text tower.
std::string CurrentName(std::string name);

/// All tensors of a file, each for the parameter CurrentName().
std::vector<StoredTensor> StoredTensors(const SafetensorsFile& file);

/// Copies the tensors into the module's parameters, which keep their dtype and device. Every
/// parameter must have a tensor and every tensor a parameter, with the same shape. Two exceptions:
/// [d, e, 1, 1] fits [d, e], and tensors of text encoders that Stable Diffusion does not use
/// (position_ids, text_projection) are ignored if the module has no such parameter.
/// kInvalidArgument naming file, tensor, expected and found shape, and for weights that are not
/// finite; the module is partly loaded then. `source` is the file to name for a missing tensor.
absl::Status LoadParameters(torch::nn::Module& module, std::span<const StoredTensor> tensors,
                            std::string_view source);

/// The same with all tensors of a file.
absl::Status LoadParameters(torch::nn::Module& module, const SafetensorsFile& file);

/// Writes all parameters as `dtype`.
absl::Status SaveParameters(const torch::nn::Module& module, const std::string& path,
                            torch::ScalarType dtype, const Metadata& metadata);

}  // namespace vico::worker
