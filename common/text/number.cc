#include "common/text/number.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "common/plain_text.h"

namespace vico {
namespace {

constexpr std::size_t kShownBytes = 40;

template <typename Number>
std::string Allowed(const NumberBounds<Number>& bounds) {
  const NumberBounds<Number> all;
  const bool from = bounds.least != all.least;
  const bool to = bounds.most != all.most;
  if constexpr (std::floating_point<Number>) {
    if (from && to) return fmt::format("a number in {:g}..{:.10g}", bounds.least, bounds.most);
    if (from) return fmt::format("a number of at least {:g}", bounds.least);
    if (to) return fmt::format("a number of at most {:.10g}", bounds.most);
    return "a number";
  }
  return fmt::format("a whole number in {}..{}", bounds.least, bounds.most);
}

/// What is special about the text, if a person may not see it.
std::string Oddity(std::string_view text, bool real) {
  if (text.find_first_of(" \t\r\n") != std::string_view::npos) return "with a blank";
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    return "which is hexadecimal";
  }
  if (text.front() == '+') return "with a plus sign";
  if (real && text.find(',') != std::string_view::npos) return "without a decimal point";
  return "";
}

template <typename Number>
absl::Status Wrong(std::string_view field, std::string_view text,
                   const NumberBounds<Number>& bounds) {
  const std::string oddity = text.empty() ? "" : Oddity(text, std::floating_point<Number>);
  const std::string shown = PlainText(text, kShownBytes);
  return FieldError(field, fmt::format("must be {}, got \"{}{}\"{}{}", Allowed(bounds), shown,
                                       shown.size() < text.size() ? "…" : "",
                                       oddity.empty() ? "" : ", ", oddity));
}

template <typename Number>
absl::StatusOr<Number> Parse(std::string_view field, std::string_view text,
                             const NumberBounds<Number>& bounds) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  // "Not a number" is outside of all bounds, and so is infinity.
  if (error != std::errc() || stop != end || !(value >= bounds.least && value <= bounds.most)) {
    return Wrong(field, text, bounds);
  }
  return value;
}

}  // namespace

absl::StatusOr<std::uint64_t> ParseUnsigned(std::string_view field, std::string_view text,
                                            const NumberBounds<std::uint64_t>& bounds) {
  return Parse(field, text, bounds);
}

absl::StatusOr<std::int64_t> ParseSigned(std::string_view field, std::string_view text,
                                         const NumberBounds<std::int64_t>& bounds) {
  return Parse(field, text, bounds);
}

absl::StatusOr<double> ParseReal(std::string_view field, std::string_view text,
                                 const NumberBounds<double>& bounds) {
  return Parse(field, text, bounds);
}

}  // namespace vico
