// What an adapter file must be before it is taken in: the format of docs/adapter-format.md, and
// every number finite. Torch-free.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "common/formats/safetensors.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

/// What the file says about itself.
struct AdapterFacts {
  v1::Dialect dialect = v1::DIALECT_UNSPECIFIED;
  std::string base_model_digest;
  std::string placeholder;
  std::string init_word;         ///< empty when it is not known
  std::string reference_sha256;  ///< of the picture it was chosen with; may be empty
};

/// kInvalidArgument that names the metadata key or the tensor.
absl::StatusOr<AdapterFacts> CheckAdapterFile(const SafetensorsFile& file);

}  // namespace vico::server
