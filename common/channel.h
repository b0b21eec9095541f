// Outgoing gRPC channels of clients and workers.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

namespace vico {

/// A channel to `address` with keepalive and Vico's message sizes; it connects at the first call.
/// kInvalidArgument that names `field` for an address that is not loopback (see CheckLoopback).
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(std::string_view field,
                                                           const std::string& address);

}  // namespace vico
