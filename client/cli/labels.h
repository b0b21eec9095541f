// Labels of concepts, adapters and jobs: the option --label, and how a command sets them.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include "client/cli/arguments.h"
#include "client/lib/client.h"

namespace vico::client {

/// kInvalidArgument for a key that the server would refuse. As in Kubernetes: a name of 1..63
/// characters of [A-Za-z0-9._-], which starts and ends with a letter or digit, after an optional
/// DNS name and '/'.
absl::Status CheckLabelKey(const std::string& key);

/// Reads "key=value". kInvalidArgument also for a value that is neither empty nor such a name.
absl::StatusOr<std::pair<std::string, std::string>> ParseLabel(const std::string& text);

/// Adds --label KEY=VALUE. `labels` must live until the command line is parsed.
void AddLabelOption(CLI::App& app, Labels& labels);

/// Adds --name and --label. `display` must live until the command line is parsed.
void AddDisplayOptions(CLI::App& app, JobDisplay& display);

/// Adds --label, --remove-label and --name. `changes` must live until the command line is parsed.
void AddChangeOptions(CLI::App& app, Changes& changes);

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
