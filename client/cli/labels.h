// Labels and display names of concepts, adapters and jobs: how a command sets and shows them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include "client/arguments/arguments.h"
#include "client/lib/client.h"

namespace vico::client {

/// Sets labels of the concept or adapter that a command has created; no call without labels.
/// The error says that it exists, and how to set them.
absl::Status SetLabels(const std::string& name, const Labels& labels, Client& client);

/// Makes the changes and returns the concept, adapter or job as it is then.
absl::StatusOr<v1::Concept> UpdateConcept(const std::string& name, const Changes& changes,
                                          Client& client);
absl::StatusOr<v1::Adapter> UpdateAdapter(const std::string& name, const Changes& changes,
                                          Client& client);
absl::StatusOr<v1::Job> UpdateJob(const std::string& name, const Changes& changes, Client& client);

/// Rows for Table(): display name and labels, as far as there are any.
template <typename Resource>
void AddNameAndLabels(const Resource& resource, std::vector<std::vector<std::string>>& rows) {
  if (!resource.display_name().empty()) rows.push_back({"display name", resource.display_name()});
  const std::map<std::string, std::string> labels(resource.labels().begin(),
                                                  resource.labels().end());
  for (const auto& [key, value] : labels)
    rows.push_back({"label", fmt::format("{}={}", key, value)});
}

}  // namespace vico::client
