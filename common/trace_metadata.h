// A trace context in a call's metadata.
#pragma once

#include <grpcpp/client_context.h>

#include "common/tracing/trace_context.h"

namespace vico {

/// Nothing without a trace.
inline void AddTrace(const TraceContext& trace, grpc::ClientContext& context) {
  if (trace.trace_id.empty()) return;
  context.AddMetadata("traceparent", Traceparent(trace));
  if (!trace.tracestate.empty()) context.AddMetadata("tracestate", trace.tracestate);
}

}  // namespace vico
