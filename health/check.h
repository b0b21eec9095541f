// Checks a server with grpc.health.v1 over a new connection, so that a server that no longer
// accepts connections counts as unhealthy even if its old connections work.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/time/time.h>

namespace vico {

struct HealthCheckOptions {
  std::string address;  ///< as common/rpc/address.h
  std::string service;  ///< for example "vico.v1.JobService"; empty: the whole server
  bool tls = false;     ///< the server's certificate is not verified
  absl::Duration timeout = absl::Seconds(4);
};

/// OK if the server answers SERVING; kUnavailable for any other answer and for none in time;
/// kNotFound for a service that the server does not have; kInvalidArgument for an address that
/// ParseAddress() refuses.
absl::Status CheckHealth(const HealthCheckOptions& options);

}  // namespace vico
