// Sends a trace context in the metadata of a gRPC call.
#pragma once

#include <grpcpp/client_context.h>

#include "common/tracing/trace_context.h"

namespace vico {

/// Adds traceparent and tracestate; nothing if there is no trace.
inline void AddTrace(const TraceContext& trace, grpc::ClientContext& context) {
  if (trace.trace_id.empty()) return;
  context.AddMetadata("traceparent", Traceparent(trace));
  if (!trace.tracestate.empty()) context.AddMetadata("tracestate", trace.tracestate);
}

}  // namespace vico
