// The trace context that programs pass to each other.
// Source: W3C Trace Context, version 00.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vico {

struct TraceContext {
  std::string trace_id{};    ///< 32 lower-case hexadecimal digits, not all 0; empty: no trace
  std::string span_id{};     ///< 16 digits likewise; the parent of spans created with this
  bool sampled = true;       ///< spans of the trace are recorded
  std::string tracestate{};  ///< data of tracing systems; passed on unchanged

  bool operator==(const TraceContext&) const = default;
};

/// nullopt for an invalid `traceparent`. An invalid `tracestate` is dropped.
std::optional<TraceContext> ParseTraceparent(std::string_view traceparent,
                                             std::string_view tracestate = {});

/// "00-{trace_id}-{span_id}-01", with 00 at the end if it is not sampled; empty without a trace.
std::string Traceparent(const TraceContext& context);

/// Whether `text` is a list of at most 32 members `key=value` and has at most 512 bytes.
bool IsTracestate(std::string_view text);

/// A new sampled trace.
TraceContext NewTrace();

/// The same trace with a new span id.
TraceContext ChildOf(const TraceContext& parent);

/// A span id derived from a hash of `name`: everyone who knows the name gets the same id, and the
/// id does not reveal the name.
std::string SpanIdFor(std::string_view name);

}  // namespace vico
