#include "common/tracing/otlp_json.h"

#include <nlohmann/json.hpp>

namespace vico {
namespace {

using nlohmann::json;

// 64-bit numbers are strings in this encoding.
json Value(const SpanValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return {{"boolValue", *flag}};
  if (const auto* number = std::get_if<int64_t>(&value)) {
    return {{"intValue", std::to_string(*number)}};
  }
  return {{"stringValue", std::get<std::string>(value)}};
}

json Attribute(const std::string& key, const SpanValue& value) {
  return {{"key", key}, {"value", Value(value)}};
}

std::string Nanoseconds(absl::Time time) { return std::to_string(absl::ToUnixNanos(time)); }

json One(const Span& span) {
  constexpr int kOk = 0;
  constexpr int kError = 2;
  json out = {{"traceId", span.context.trace_id},
              {"spanId", span.context.span_id},
              {"name", span.name},
              {"kind", static_cast<int>(span.kind)},
              {"startTimeUnixNano", Nanoseconds(span.begin)},
              {"endTimeUnixNano", Nanoseconds(span.end)},
              {"status", {{"code", span.failed ? kError : kOk}}},
              {"attributes", json::array()}};
  if (!span.parent_span_id.empty()) out["parentSpanId"] = span.parent_span_id;
  if (!span.context.tracestate.empty()) out["traceState"] = span.context.tracestate;
  for (const auto& [key, value] : span.attributes) {
    out["attributes"].push_back(Attribute(key, value));
  }
  return out;
}

}  // namespace

std::string OtlpJson(const SpanResource& resource, const std::vector<Span>& spans) {
  json attributes = json::array();
  for (const auto& [key, value] : resource) attributes.push_back(Attribute(key, value));
  json all = json::array();
  for (const Span& span : spans) all.push_back(One(span));
  const json scope = {{"scope", {{"name", "vico"}}}, {"spans", std::move(all)}};
  const json from = {{"resource", {{"attributes", std::move(attributes)}}},
                     {"scopeSpans", json::array({scope})}};
  // Invalid UTF-8 is replaced, so that the request is always valid JSON.
  return json{{"resourceSpans", json::array({from})}}.dump(-1, ' ', false,
                                                           json::error_handler_t::replace);
}

}  // namespace vico
