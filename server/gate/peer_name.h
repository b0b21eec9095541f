// Carries the address of a client through the gate to gRPC, which sees only a pair of Unix sockets.
#pragma once

#include <string>
#include <string_view>

namespace vico::server {

/// The address of a socket's peer as gRPC writes it: ipv4:203.0.113.7:4242,
/// ipv6:[2001:db8::1]:4242, or unix: for any other family.
std::string PeerUri(int socket);

/// Names `socket`, one end of a pair, after a peer: gRPC then reports the name as the peer of the
/// other end. The name is lost if the kernel does not accept it.
void NameAfterPeer(int socket, const std::string& peer_uri);

/// The peer of a call, from what grpc::ServerContextBase::peer() says on any listener:
/// ipv4:203.0.113.7:4242, ipv6:%5B2001:db8::1%5D:4242, or unix: and a path or nothing.
std::string PeerOfCall(std::string_view grpc_peer);

}  // namespace vico::server
