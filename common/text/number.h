// Numbers as people write them in flags, settings and environment variables.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "common/status.h"

namespace vico {

/// The smallest and the largest allowed number.
template <typename Number>
struct NumberBounds {
  Number least = std::numeric_limits<Number>::lowest();
  Number most = std::numeric_limits<Number>::max();
};

/// Reads decimal digits: no octal, so that 012 is 12, no hexadecimal, no blanks, no plus sign, no
/// unit and, for an unsigned number, no minus sign. kInvalidArgument that names `field`, what is
/// allowed, and the text.
absl::StatusOr<std::uint64_t> ParseUnsigned(std::string_view field, std::string_view text,
                                            const NumberBounds<std::uint64_t>& bounds = {});
absl::StatusOr<std::int64_t> ParseSigned(std::string_view field, std::string_view text,
                                         const NumberBounds<std::int64_t>& bounds = {});
/// As above, with a decimal point and an exponent, as 1e-5. Neither infinity nor "not a number".
absl::StatusOr<double> ParseReal(std::string_view field, std::string_view text,
                                 const NumberBounds<double>& bounds = {});

/// The one of these that fits the type.
template <typename Number>
absl::StatusOr<Number> ParseNumber(std::string_view field, std::string_view text,
                                   const NumberBounds<Number>& bounds = {}) {
  if constexpr (std::floating_point<Number>) {
    ASSIGN_OR_RETURN(const double value, ParseReal(field, text, {bounds.least, bounds.most}));
    return static_cast<Number>(value);
  } else if constexpr (std::signed_integral<Number>) {
    ASSIGN_OR_RETURN(const std::int64_t value,
                     ParseSigned(field, text, {bounds.least, bounds.most}));
    return static_cast<Number>(value);
  } else {
    ASSIGN_OR_RETURN(const std::uint64_t value,
                     ParseUnsigned(field, text, {bounds.least, bounds.most}));
    return static_cast<Number>(value);
  }
}

}  // namespace vico
