// Opens the listening TCP sockets of an address.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "server/net/descriptor.h"

namespace vico::server {

struct ListeningSockets {
  std::vector<Descriptor> sockets;  ///< non-blocking; one for each address of a name
  int port = 0;                     ///< the same for all of them
};

/// Listens at host:port, where host is a name, an IPv4 address or an IPv6 one in brackets; 0.0.0.0
/// and [::] both stand for every address of both kinds; port 0: any free one. Two programs cannot
/// share a port. kUnavailable when it cannot listen there.
absl::StatusOr<ListeningSockets> OpenListeningSockets(const std::string& address);

}  // namespace vico::server
