// Sends a trace context in the metadata of a gRPC call.
#pragma once

#include <grpcpp/client_context.h>

#include "common/tracing/trace_context.h"

namespace vico {

/// Adds traceparent and tracestate; nothing without a trace or for an invalid one, which can come
/// with a lease or from the environment.
inline void AddTrace(const TraceContext& trace, grpc::ClientContext& context) {
  const auto valid = ParseTraceparent(Traceparent(trace), trace.tracestate);
  if (!valid) return;
  context.AddMetadata("traceparent", Traceparent(*valid));
  if (!valid->tracestate.empty()) context.AddMetadata("tracestate", valid->tracestate);
}

}  // namespace vico
