// The options that set labels and display names.
#pragma once

#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/arguments/arguments.h"

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

}  // namespace vico::client
