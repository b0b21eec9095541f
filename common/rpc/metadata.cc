#include "common/rpc/metadata.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "common/status.h"

namespace vico {
namespace {

constexpr std::size_t kLongestKey = 1024;

bool IsKeyCharacter(unsigned char c) {
  return c < 0x80 && (std::isalnum(c) != 0 || std::string_view("-._~+/=").find(
                                                  static_cast<char>(c)) != std::string_view::npos);
}

}  // namespace

absl::Status CheckKey(std::string_view field, const Sensitive& key) {
  const std::string& text = key.Reveal();
  if (text.empty()) return FieldError(field, "holds no key");
  const auto wrong = std::ranges::find_if_not(text, IsKeyCharacter);
  if (wrong != text.end()) {
    return FieldError(field, fmt::format("the key holds a character that no key has, in place {}",
                                         wrong - text.begin() + 1));
  }
  if (text.size() > kLongestKey) {
    return FieldError(
        field, fmt::format("holds more than a key, which has at most {} characters", kLongestKey));
  }
  return absl::OkStatus();
}

}  // namespace vico
