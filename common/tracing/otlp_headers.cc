#include "common/tracing/otlp_headers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "common/status.h"

namespace vico {
namespace {

constexpr char kVariable[] = "OTEL_EXPORTER_OTLP_HEADERS";

// The exporter sets these; they describe the body.
constexpr std::array<std::string_view, 6> kReserved = {"connection",     "content-encoding",
                                                       "content-length", "content-type",
                                                       "host",           "transfer-encoding"};

constexpr char kBlanks[] = " \t\r\n";  // a value read from a file may end with a newline

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// A token of RFC 9110.
bool IsName(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool IsReserved(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::find(kReserved, name) != kReserved.end();
}

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

/// nullopt for an invalid escape, and for characters that HTTP does not allow in a value.
std::optional<std::string> Value(std::string_view encoded) {
  std::string value;
  for (size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    if (c == '%') {
      if (i + 2 >= encoded.size()) return std::nullopt;
      const auto high = HexDigit(encoded[i + 1]);
      const auto low = HexDigit(encoded[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e) return std::nullopt;
    value += c;
  }
  return value;
}

}  // namespace

absl::StatusOr<OtlpHeaders> ParseOtlpHeaders(const Sensitive& text) {
  OtlpHeaders headers;
  std::string_view rest = text.Reveal();
  for (int number = 1; !rest.empty(); ++number) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view member = Trimmed(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (member.empty()) continue;
    const size_t equals = std::min(member.find('='), member.size());
    const std::string name(Trimmed(member.substr(0, equals)));
    const auto wrong = [&](std::string_view why) {
      return FieldError(kVariable, fmt::format("member {} {}", number, why));
    };
    if (equals == member.size()) return wrong("must be name=value");
    if (!IsName(name)) return wrong("has an invalid name");
    if (IsReserved(name)) return wrong("is a header that the exporter sets");
    auto value = Value(Trimmed(member.substr(equals + 1)));
    if (!value) return wrong("has an invalid value or an invalid %-escape");
    headers.emplace_back(name, Sensitive(*std::move(value)));
  }
  return headers;
}

Sensitive TakeOtlpHeaders() {
  const char* const text = std::getenv(kVariable);
  Sensitive headers(text == nullptr ? "" : text);
  unsetenv(kVariable);
  return headers;
}

}  // namespace vico
