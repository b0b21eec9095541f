// The addresses that programs listen on and connect to.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace vico {

struct Address {
  enum class Scheme { kNone, kPlain, kTls };

  std::string target;             ///< host:port ([IPv6]:port), unix:path or unix-abstract:name
  Scheme scheme = Scheme::kNone;  ///< http and grpc are plain connections, https and grpcs use TLS
  bool loopback = false;          ///< only this machine can reach it
  bool wildcard = false;          ///< all addresses of this machine, to listen on
};

/// Reads an address as people write it:
/// - host:port, 127.1:port, [::1]:port and unix:path;
/// - http://, https://, grpc:// and grpcs:// before host:port, with or without a slash at the end;
/// - gRPC's own dns:///host:port, ipv4:address:port and ipv6:[address]:port.
/// kInvalidArgument that names `field` and says what is wrong: no port, a path, an unknown scheme,
/// a user name. The error does not repeat an address with a password.
absl::StatusOr<Address> ParseAddress(std::string_view field, std::string_view text);

/// The target of an address to listen on, which has no scheme.
absl::StatusOr<std::string> ParseListenAddress(std::string_view field, std::string_view text);

/// OK for an address that ParseAddress() reads, else its error.
absl::Status CheckAddress(std::string_view field, std::string_view address);

/// Whether only this machine can reach the address: an IPv4 or IPv6 loopback address, localhost or
/// a Unix socket. False for one that ParseAddress() refuses.
bool IsLoopback(std::string_view address);

/// OK for a valid address that only this machine can reach, else kInvalidArgument that names
/// `field`. Programs without TLS call this: no plain connection leaves the machine.
absl::Status CheckLoopback(std::string_view field, std::string_view address);

}  // namespace vico
