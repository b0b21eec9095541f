// Spans: timed operations of a trace. Attributes are ids, numbers and constants of the program.
// Never put prompts, names that users chose, keys or error messages into a span.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/tracing/trace_context.h"

namespace vico {

using SpanValue = std::variant<bool, int64_t, std::string>;

struct Span {
  enum class Kind { kInternal = 1, kServer = 2 };  ///< the numbers of OTLP

  TraceContext context;        ///< `span_id` is the id of this span
  std::string parent_span_id;  ///< empty: a root span
  std::string name;
  Kind kind = Kind::kInternal;
  absl::Time begin;  ///< wall clock
  absl::Time end;
  std::vector<std::pair<std::string, SpanValue>> attributes;
  bool failed = false;
};

struct SpanCounts {
  uint64_t sent = 0;
  uint64_t dropped = 0;
};

/// Receives finished spans. Any thread.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  /// Never blocks and never fails: spans that it cannot keep are dropped. Ignores spans of traces
  /// that are not sampled.
  virtual void Add(Span span) = 0;
  virtual SpanCounts counts() const { return {}; }
};

/// Where an operation reports its spans, and under which parent.
struct Tracing {
  SpanSink* spans = nullptr;  ///< must outlive its users; null: tracing is off
  TraceContext parent{};      ///< without a trace id no spans are recorded

  bool enabled() const { return spans != nullptr && !parent.trace_id.empty() && parent.sampled; }
};

/// A span that lasts from construction to destruction. One thread at a time.
class ActiveSpan {
 public:
  /// `clock` must outlive the span.
  ActiveSpan(const Tracing& tracing, const Clock& clock, std::string_view name);
  ~ActiveSpan();
  ActiveSpan(const ActiveSpan&) = delete;
  ActiveSpan& operator=(const ActiveSpan&) = delete;

  void Set(std::string_view key, SpanValue value);

  /// Marks the span as failed unless the status is OK; code and reason become attributes.
  void SetStatus(const absl::Status& status);

  /// The parent of spans inside this one.
  const TraceContext& context() const { return span_.context; }

 private:
  SpanSink* const spans_;  // null: nothing is recorded
  const Clock& clock_;
  Span span_;
};

/// Marks the span as failed unless the status is OK, and adds the attributes of the error.
void AddStatus(const absl::Status& status, Span& span);

}  // namespace vico
