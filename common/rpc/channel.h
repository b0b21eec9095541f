// Opens the gRPC channels of clients and workers.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include "common/rpc/tls_files.h"

namespace vico {

/// Whom a channel calls.
struct Peer {
  std::string address;  ///< as given
  bool tls = false;
};

/// Whether a channel to `address` uses TLS: with a file in `tls`, with https:// or grpcs://, and to
/// every address that is not loopback. kInvalidArgument that names `field` for an address that
/// ParseAddress() refuses or that cannot be connected to, and for a plain connection (http://,
/// grpc://) that has TLS files or leaves the machine.
absl::StatusOr<Peer> PeerAt(std::string_view field, const std::string& address,
                            const TlsFiles& tls = {});

/// A channel to `address` with keepalive and Vico's message sizes. It connects at the first call.
/// - The server's certificate must be signed by `tls.ca`, or by a CA of the system if that is
/// empty.
/// - A certificate in `tls` is sent to the server. The channel reads these files again every 5 s
/// and
///   uses new ones from the next connection on.
/// kInvalidArgument as PeerAt(); kFailedPrecondition for files that ReadTlsFiles() refuses.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(std::string_view field,
                                                           const std::string& address,
                                                           const TlsFiles& tls = {});

/// The error of a call, for a person: where gRPC's text tells that only one end uses TLS, that the
/// certificate is not accepted, or that the server is of another kind, a sentence that says so in
/// its place. Any other error of a connection gets the address. OK and errors that the server
/// answered stay as they are.
absl::Status ExplainCall(const absl::Status& status, const Peer& peer);

/// Whether no connection was made: the call did not reach a server.
bool IsFailureToConnect(const absl::Status& status);

}  // namespace vico
