// One question to grpc.health.v1, on a connection made for it: a server whose listener accepts
// nobody any more is not healthy, however well its old connections are.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/time/time.h>

namespace vico {

struct HealthQuestion {
  std::string address;  ///< host:port
  std::string service;  ///< as "vico.v1.JobService"; empty: the server as a whole
  bool tls = false;     ///< the certificate is not looked at: the question is whether it serves
  absl::Duration patience = absl::Seconds(4);
};

/// OK when the answer is SERVING; kUnavailable when it is another or none came in time, kNotFound
/// for a service that the server does not have.
absl::Status AskHealth(const HealthQuestion& question);

}  // namespace vico
