// A change of what a client may name and label: the display name and labels of a job, concept or
// adapter.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <google/protobuf/map.h>

namespace vico::server {

using Labels = google::protobuf::Map<std::string, std::string>;

inline constexpr int kMaxLabels = 64;

/// Checked, except for the number of labels that results.
struct ResourceUpdate {
  std::optional<std::string> display_name;  ///< if it changes
  bool replaces_labels = false;             ///< the labels below become all labels
  std::map<std::string, std::optional<std::string>> labels{};  ///< without a value: removed
};

/// Applies the update. kInvalidArgument that names the field "labels" when there would be more than
/// kMaxLabels.
absl::Status ApplyUpdate(const ResourceUpdate& update, std::string& display_name, Labels& labels);

}  // namespace vico::server
