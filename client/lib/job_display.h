// How a new job is shown in listings.
#pragma once

#include <map>
#include <string>

namespace vico::client {

struct JobDisplay {
  std::string display_name{};
  std::map<std::string, std::string> labels{};
};

/// Sets the fields of a creating call.
template <typename Request>
void SetDisplay(const JobDisplay& display, Request& request) {
  request.set_display_name(display.display_name);
  for (const auto& [key, value] : display.labels) (*request.mutable_labels())[key] = value;
}

}  // namespace vico::client
