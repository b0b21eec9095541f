// Checks an adapter file before an import: the format of docs/adapter-format.md, finite numbers
// only.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "common/formats/safetensors.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

/// The metadata that the catalog stores.
struct AdapterFacts {
  v1::Dialect dialect = v1::DIALECT_UNSPECIFIED;
  std::string base_model_digest;
  std::string placeholder;
  std::string init_word;  ///< empty: unknown
};

/// kInvalidArgument with the metadata key or the tensor.
absl::StatusOr<AdapterFacts> CheckAdapterFile(const SafetensorsFile& file);

}  // namespace vico::server
