#include "server/jobs/resource_update.h"

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {

absl::Status ApplyUpdate(const ResourceUpdate& update, std::string& display_name, Labels& labels) {
  if (update.display_name) display_name = *update.display_name;
  if (update.replaces_labels) labels.clear();
  for (const auto& [key, value] : update.labels) {
    if (value) {
      labels[key] = *value;
    } else {
      labels.erase(key);
    }
  }
  if (labels.size() <= static_cast<size_t>(kMaxLabels)) return absl::OkStatus();
  return FieldError("labels", fmt::format("must be at most {}, got {}", kMaxLabels, labels.size()));
}

}  // namespace vico::server
