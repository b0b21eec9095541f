// A client of AdminService for operators. It calls the workers' listener.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "common/rpc/channel.h"
#include "common/rpc/tls_files.h"
#include "vico/v1/admin.grpc.pb.h"

namespace vico::client {

struct AdminClientOptions {
  std::string server = "127.0.0.1:50052";  ///< host:port of the workers' listener
  TlsFiles tls{};                          ///< empty: no TLS, loopback only
  std::chrono::milliseconds call_deadline{30'000};
};

/// Any thread. Calls are not retried.
class AdminClient {
 public:
  /// Connects at the first call. kInvalidArgument for an invalid address, kFailedPrecondition for
  /// invalid certificate files.
  static absl::StatusOr<std::unique_ptr<AdminClient>> Open(const AdminClientOptions& options);

  absl::StatusOr<std::vector<v1::Worker>> ListWorkers() const;
  absl::StatusOr<v1::Queue> GetQueue() const;
  /// `resume`: ends the drain, so that the worker gets jobs again.
  absl::StatusOr<v1::Worker> DrainWorker(const std::string& name, bool resume) const;

 private:
  AdminClient(const AdminClientOptions& options, Peer peer,
              std::unique_ptr<v1::AdminService::StubInterface> service)
      : options_(options), peer_(std::move(peer)), stub_(std::move(service)) {}

  template <class Request, class Response>
  using Method = grpc::Status (v1::AdminService::StubInterface::*)(grpc::ClientContext*,
                                                                   const Request&, Response*);
  template <class Request, class Response>
  absl::StatusOr<Response> Call(Method<Request, Response> method, const Request& request) const;

  const AdminClientOptions options_;
  const Peer peer_;
  const std::unique_ptr<v1::AdminService::StubInterface> stub_;
};

}  // namespace vico::client
