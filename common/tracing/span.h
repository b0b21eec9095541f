// A span: something that took time, as part of a trace. Its attributes are ids, numbers and words
// of this program: never a prompt, a name that somebody chose, a key, or a text of an error.
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
  enum class Kind { kInternal = 1, kServer = 2 };  ///< the numbers are OTLP's

  TraceContext context;        ///< `span_id` is its own
  std::string parent_span_id;  ///< empty: the trace begins with it
  std::string name;
  Kind kind = Kind::kInternal;
  absl::Time begin;  ///< wall clock
  absl::Time end;
  std::vector<std::pair<std::string, SpanValue>> attributes;
  bool failed = false;
};

struct SpanCounts {
  uint64_t sent = 0;     ///< somebody took them
  uint64_t dropped = 0;  ///< they are lost
};

/// Where spans go. Any thread.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  /// Never waits, and never fails: what cannot be kept is dropped. Spans of a trace that is not
  /// sampled are of no use to it.
  virtual void Add(Span span) = 0;
  virtual SpanCounts counts() const { return {}; }
};

/// What work done for a trace needs to say so.
struct Tracing {
  SpanSink* spans = nullptr;  ///< must outlive its users; null: nobody wants them
  TraceContext parent{};      ///< without a trace: nothing to say

  bool wanted() const { return spans != nullptr && !parent.trace_id.empty() && parent.sampled; }
};

/// A span from its making to its end. One thread at a time.
class ActiveSpan {
 public:
  /// `clock` must outlive it.
  ActiveSpan(const Tracing& tracing, const Clock& clock, std::string_view name);
  ~ActiveSpan();
  ActiveSpan(const ActiveSpan&) = delete;
  ActiveSpan& operator=(const ActiveSpan&) = delete;

  void Set(std::string_view key, SpanValue value);

  /// Unless OK, it has failed: its code, and its reason if it has one, become attributes.
  void SetStatus(const absl::Status& status);

  /// For what is done within it.
  const TraceContext& context() const { return span_.context; }

 private:
  SpanSink* const spans_;  // null: not wanted
  const Clock& clock_;
  Span span_;
};

/// The attributes that tell of an error, none for OK.
void AddStatus(const absl::Status& status, Span& span);

}  // namespace vico
