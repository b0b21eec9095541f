// Converts a trace context to and from its message.
#pragma once

#include "common/tracing/trace_context.h"
#include "vico/v1/worker.pb.h"

namespace vico {

/// Empty for an invalid message.
TraceContext FromProto(const v1::TraceContext& message);
v1::TraceContext ToProto(const TraceContext& context);

}  // namespace vico
