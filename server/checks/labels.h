// Checks display names, labels and update masks.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/field_mask.pb.h>

#include "server/jobs/resource_update.h"

namespace vico::server {

/// A label's key: a name of 1..63 characters of [A-Za-z0-9._-], which starts and ends with a letter
/// or digit, after an optional DNS name of at most 253 characters and '/'.
absl::Status CheckLabelKey(std::string_view field, std::string_view key);

/// A label's value: empty or as the name of a key.
absl::Status CheckLabelValue(std::string_view field, std::string_view value);

/// The display name and labels of a creating call. One error names all wrong fields.
absl::Status CheckDisplay(const std::string& display_name, const Labels& labels);

/// What an Update call changes. `resource` is the field that holds the new values, for example
/// "job". One error names all wrong fields.
absl::StatusOr<ResourceUpdate> CheckUpdate(std::string_view resource,
                                           const std::string& display_name, const Labels& labels,
                                           const google::protobuf::FieldMask& mask);

}  // namespace vico::server
