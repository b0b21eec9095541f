#include "common/tracing/trace_context.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/ids.h"

namespace vico {
namespace {

constexpr size_t kTraceDigits = 32;
constexpr size_t kSpanDigits = 16;
constexpr size_t kVersion00Size = 2 + 1 + kTraceDigits + 1 + kSpanDigits + 1 + 2;
constexpr size_t kMaxStateBytes = 512;
constexpr size_t kMaxStateMembers = 32;

bool IsLowerHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsId(std::string_view text) {
  return IsLowerHex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

bool IsLowerAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// A simple-key or tenant@system.
bool IsStateKey(std::string_view key) {
  if (key.empty() || key.size() > 256 || !IsLowerAlphanumeric(key.front())) return false;
  return std::count(key.begin(), key.end(), '@') <= 1 && key.back() != '@' &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return IsLowerAlphanumeric(c) || std::string_view("_-*/@").find(c) != std::string::npos;
         });
}

/// 1 to 256 printable characters without comma and equals sign, and without a blank at the end.
bool IsStateValue(std::string_view value) {
  return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return c >= 0x20 && c <= 0x7e && c != ',' && c != '='; });
}

std::string_view WithoutBlanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

std::optional<TraceContext> ParseTraceparent(std::string_view text, std::string_view tracestate) {
  // Later versions may append fields after a dash; version ff is invalid.
  if (text.size() < kVersion00Size || !IsLowerHex(text.substr(0, 2))) return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  if (version == "ff") return std::nullopt;
  if (text.size() > kVersion00Size && (version == "00" || text[kVersion00Size] != '-')) {
    return std::nullopt;
  }
  const std::string_view trace_id = text.substr(3, kTraceDigits);
  const std::string_view span_id = text.substr(3 + kTraceDigits + 1, kSpanDigits);
  const std::string_view flags = text.substr(kVersion00Size - 2, 2);
  const bool has_dashes = text[2] == '-' && text[3 + kTraceDigits] == '-' &&
                          text[3 + kTraceDigits + 1 + kSpanDigits] == '-';
  if (!has_dashes || !IsId(trace_id) || !IsId(span_id) || !IsLowerHex(flags)) return std::nullopt;
  const std::string_view odd_digits = "13579bdf";  // bit 0 of the flags: sampled
  return TraceContext{
      .trace_id = std::string(trace_id),
      .span_id = std::string(span_id),
      .sampled = odd_digits.find(flags.back()) != std::string_view::npos,
      .tracestate = IsTracestate(tracestate) ? std::string(tracestate) : std::string()};
}

std::string Traceparent(const TraceContext& context) {
  if (context.trace_id.empty()) return "";
  return fmt::format("00-{}-{}-{}", context.trace_id, context.span_id,
                     context.sampled ? "01" : "00");
}

bool IsTracestate(std::string_view text) {
  if (text.empty() || text.size() > kMaxStateBytes) return false;
  std::vector<std::string_view> keys;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view member = WithoutBlanks(text.substr(0, comma));
    if (!member.empty()) {  // the standard allows empty ones
      const size_t equals = member.find('=');
      if (equals == std::string_view::npos) return false;
      const std::string_view key = member.substr(0, equals);
      if (!IsStateKey(key) || !IsStateValue(member.substr(equals + 1))) return false;
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) return false;
      keys.push_back(key);
    }
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return !keys.empty() && keys.size() <= kMaxStateMembers;
}

TraceContext NewTrace() { return {.trace_id = NewId(), .span_id = NewId().substr(0, kSpanDigits)}; }

TraceContext ChildOf(const TraceContext& parent) {
  TraceContext child = parent;
  child.span_id = NewId().substr(0, kSpanDigits);
  return child;
}

std::string SpanIdFor(std::string_view name) {
  return Sha256Hex(fmt::format("span {}", name)).substr(0, kSpanDigits);
}

}  // namespace vico
