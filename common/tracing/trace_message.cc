#include "common/tracing/trace_message.h"

namespace vico {

TraceContext FromProto(const v1::TraceContext& message) {
  return ParseTraceparent(message.traceparent(), message.tracestate()).value_or(TraceContext{});
}

v1::TraceContext ToProto(const TraceContext& context) {
  v1::TraceContext message;
  message.set_traceparent(Traceparent(context));
  message.set_tracestate(context.tracestate);
  return message;
}

}  // namespace vico
