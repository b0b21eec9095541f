// The adapter file: a learned word and the image attention of its sites. docs/adapter-format.md is
// the format; it is a promise. D text width, d width of a site.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/formats/adapter_header.h"
#include "common/formats/adapter_layout.h"
#include "worker/io/tensors.h"
#include "worker/model/adapter.h"

namespace vico::worker {

struct AdapterFile : AdapterHeader {
  /// "placeholder_embedding" [1, D] and "<site>.image_cross_attention.<leaf>", as
  /// AdapterImpl::NamedTensors() gives them.
  TensorMap tensors;
};

/// What an adapter is opened for.
struct AdapterTarget {
  int64_t embedding_size = 0;                 ///< D
  std::vector<TransformerSite> transformers;  ///< UNet::transformers()
};

/// The file's bytes; tensors are written as fp32. kInvalidArgument when a site lacks a leaf, a
/// shape is wrong, or a number is not finite.
absl::StatusOr<std::string> SerializeAdapter(const AdapterFile& adapter);

/// Strict: the metadata, exactly the tensors its sites call for, the target's shapes, finite
/// numbers only. The adapter may have been trained on another base model whose shapes are the same.
/// Tensors come as fp32. kInvalidArgument naming `source` and the tensor or metadata key.
absl::StatusOr<AdapterFile> ParseAdapter(std::string bytes, const std::string& source,
                                         const AdapterTarget& target);

/// The module with the file's weights, on the CPU. `adapter` was parsed for the same transformers.
Adapter MakeAdapter(const AdapterFile& adapter, const std::vector<TransformerSite>& transformers);

}  // namespace vico::worker
