// A trace context as a message.
#pragma once

#include "common/tracing/trace_context.h"
#include "vico/v1/worker.pb.h"

namespace vico {

/// Empty when it is none.
TraceContext FromProto(const v1::TraceContext& message);
v1::TraceContext ToProto(const TraceContext& context);

}  // namespace vico
