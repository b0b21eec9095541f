// How one call is known in logs and traces, and what its handler found it to be about.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <absl/time/time.h>
#include <grpcpp/server_context.h>

#include "common/tracing/trace_context.h"

namespace vico::server {

/// Written before the call begins and in its turns, read when it is answered: one thread at a time.
struct CallNotes {
  std::string method;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  absl::Time began = absl::Now();
  std::string request_id;      ///< the caller's own if it is one, else made here
  TraceContext trace;          ///< `span_id` is the call's own span
  std::string parent_span_id;  ///< in the caller's program; empty: the trace begins here
  std::string job;             ///< "jobs/{id}"; several with blanks between them
  std::string lease;

  /// What is not a job's name or a lease's id is left out, since it may be anything.
  void About(std::string_view job_name, std::string_view lease_id = {});
};

/// Whether a caller may choose it: 1 to 64 characters of [A-Za-z0-9._-].
bool IsCallId(std::string_view text);

/// From the metadata x-request-id, traceparent and tracestate. The answer's initial metadata say
/// the request id.
std::shared_ptr<CallNotes> NoteCall(grpc::ServerContextBase& context, std::string_view method);

}  // namespace vico::server
