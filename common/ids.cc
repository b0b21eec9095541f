#include "common/ids.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/crypto/random_bits.h"
#include "common/status.h"

namespace vico {
namespace {

constexpr size_t kIdDigits = 32;

bool IsLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool IsLowerAlphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); }

}  // namespace

std::string NewId() { return fmt::format("{:016x}{:016x}", RandomBits(), RandomBits()); }

std::string JobName(std::string_view id) { return fmt::format("jobs/{}", id); }
std::string ConceptName(std::string_view id) { return fmt::format("concepts/{}", id); }
std::string AdapterName(std::string_view id) { return fmt::format("adapters/{}", id); }

absl::StatusOr<std::string> IdInName(std::string_view field, std::string_view collection,
                                     std::string_view name) {
  const bool right_size = name.size() == collection.size() + 1 + kIdDigits;
  if (right_size && name.substr(0, collection.size()) == collection &&
      name[collection.size()] == '/') {
    const std::string_view id = name.substr(collection.size() + 1);
    if (std::all_of(id.begin(), id.end(), IsLowerHex)) return std::string(id);
  }
  return FieldError(field, fmt::format("must be {}/ and 32 hexadecimal digits, got \"{}\"",
                                       collection, name.substr(0, 100)));
}

bool IsBaseModelName(std::string_view text) {
  constexpr std::string_view kPrefix = "baseModels/";
  if (text.substr(0, kPrefix.size()) != kPrefix) return false;
  const std::string_view id = text.substr(kPrefix.size());
  return !id.empty() && id.size() <= 63 && IsLowerAlphanumeric(id.front()) &&
         id.find("..") == std::string_view::npos && std::all_of(id.begin(), id.end(), [](char c) {
           return IsLowerAlphanumeric(c) || c == '.' || c == '_' || c == '-';
         });
}

}  // namespace vico
