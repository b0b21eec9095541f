// Reports a finished call as a line in the log and as a span.
#pragma once

#include "common/log.h"
#include "common/tracing/span.h"
#include "server/rpc/calls.h"

namespace vico::server {

/// Logs errors of the server itself at level error, with their message, and all other calls at
/// level debug, without it, since it may quote the request.
void LogCall(const Log& log, const CallRecord& call);

/// Adds the call to its trace as a span named {service}/{method}. `spans` may be null.
void TraceCall(SpanSink* spans, const CallRecord& call);

}  // namespace vico::server
