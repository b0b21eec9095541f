// Opens the listening sockets of an address.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "server/gate/descriptor.h"
#include "server/net/unix_socket.h"

namespace vico::server {

struct ListeningSockets {
  std::vector<Descriptor> sockets;         ///< non-blocking; one for each address of a name
  int port = 0;                            ///< the same for all of them; 0 for a Unix socket
  std::unique_ptr<UnixSocketFile> file{};  ///< of unix:path; keeps the path for this program
};

/// Listens at host:port, where host is a name, an IPv4 address or an IPv6 one in brackets; 0.0.0.0
/// and [::] both stand for every address of both kinds; port 0: any free one. Or at unix:path or
/// unix-abstract:name. Two programs cannot share an address. kUnavailable when it cannot listen
/// there.
absl::StatusOr<ListeningSockets> OpenListeningSockets(const std::string& address);

}  // namespace vico::server
