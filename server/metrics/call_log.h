// What is said of a finished call: a line in the log, and a span.
#pragma once

#include "common/log.h"
#include "common/tracing/span.h"
#include "server/rpc/calls.h"

namespace vico::server {

/// What went wrong on our side as an error, all else for those who look closely. The message stays
/// out of the latter, since it may quote the request.
void LogCall(const Log& log, const CallRecord& call);

/// The call as a span of its trace; its name is {service}/{method}. `spans` may be null.
void TraceCall(SpanSink* spans, const CallRecord& call);

}  // namespace vico::server
