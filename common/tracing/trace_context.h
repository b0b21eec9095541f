// Which trace something belongs to, as it is handed from program to program.
// Source: W3C Trace Context, version 00.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vico {

struct TraceContext {
  std::string trace_id{};    ///< 32 lower-case hexadecimal digits, not all 0; empty: no trace
  std::string span_id{};     ///< 16 of them, not all 0: what comes next is a part of this span
  bool sampled = true;       ///< somebody wants its spans
  std::string tracestate{};  ///< what tracing systems say to themselves: passed on as it is

  bool operator==(const TraceContext&) const = default;
};

/// None when `traceparent` is not as the standard has it. A `tracestate` that is not is dropped.
std::optional<TraceContext> ParseTraceparent(std::string_view traceparent,
                                             std::string_view tracestate = {});

/// "00-{trace_id}-{span_id}-01", or 00 at its end when it is not sampled; empty without a trace.
std::string Traceparent(const TraceContext& context);

/// Whether `text` is a list of at most 32 members `key=value`, in at most 512 bytes.
bool IsTracestate(std::string_view text);

/// A trace that begins here, sampled.
TraceContext NewTrace();

/// The same trace with a span of its own.
TraceContext ChildOf(const TraceContext& parent);

/// A span id that everybody who knows `name` finds, and that does not tell it.
std::string SpanIdFor(std::string_view name);

}  // namespace vico
