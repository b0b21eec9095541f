// Page tokens of lists in descending order of row number: the last number of the page.
#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "common/status.h"

namespace vico::server {

inline std::string PageToken(int64_t last_number) { return std::to_string(last_number); }

/// The exclusive upper bound of the row numbers of a page; the maximum for an empty token.
inline absl::StatusOr<int64_t> BelowNumber(std::string_view token) {
  if (token.empty()) return std::numeric_limits<int64_t>::max();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (error != std::errc() || end != token.data() + token.size() || number <= 0) {
    return FieldError("page_token", "must be a next_page_token of an earlier answer");
  }
  return number;
}

}  // namespace vico::server
