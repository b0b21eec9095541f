// The identity of one call in logs and traces, and the job and lease that it is about.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <absl/time/time.h>
#include <grpcpp/server_context.h>

#include "common/tracing/trace_context.h"

namespace vico::server {

/// Written before the call starts and by its handler, read when it is answered: one thread at a
/// time.
struct CallNotes {
  std::string method;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  absl::Time began = absl::Now();
  std::string request_id;      ///< chosen by the caller if it is valid, otherwise here
  TraceContext trace;          ///< `span_id` is the call's own span
  std::string parent_span_id;  ///< in the caller's program; empty: the trace starts here
  std::string job;             ///< "jobs/{id}"; several are separated by blanks
  std::string lease;

  /// Adds a job and a lease. Text of any other form is ignored, since a caller may send anything.
  void About(std::string_view job_name, std::string_view lease_id = {});
};

/// Whether `text` is valid as a request id: 1 to 64 characters of [A-Za-z0-9._-].
bool IsCallId(std::string_view text);

/// From the metadata x-request-id, traceparent and tracestate. The answer's initial metadata
/// contain the request id.
std::shared_ptr<CallNotes> NoteCall(grpc::ServerContextBase& context, std::string_view method);

}  // namespace vico::server
