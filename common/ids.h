// Random ids, and resource names with an id.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace vico {

/// 128 random bits from the kernel as 32 lower-case hexadecimal digits.
std::string NewId();

/// "jobs/{id}", "concepts/{id}", "adapters/{id}".
std::string JobName(std::string_view id);
std::string ConceptName(std::string_view id);
std::string AdapterName(std::string_view id);

/// The id in `name`, which must be "{collection}/{32 lower-case hexadecimal digits}", else
/// kInvalidArgument that names `field`. `collection` is "jobs", "concepts" or "adapters".
absl::StatusOr<std::string> IdInName(std::string_view field, std::string_view collection,
                                     std::string_view name);

/// Whether `text` is "baseModels/{id}", where the id matches [a-z0-9][a-z0-9._-]{0,62} and has no
/// "..".
bool IsBaseModelName(std::string_view text);

}  // namespace vico
