// Checks of the addresses that programs listen on and connect to.
#pragma once

#include <string_view>

#include <absl/status/status.h>

namespace vico {

/// OK for host:port and unix:path, else kInvalidArgument that names `field`.
absl::Status CheckAddress(std::string_view field, std::string_view address);

/// Whether only this machine can reach the address: 127.x.y.z:port, [::1]:port, localhost:port or
/// unix:path. `address` has passed CheckAddress().
bool IsLoopback(std::string_view address);

/// OK for a valid address that only this machine can reach, else kInvalidArgument that names
/// `field`. Programs without TLS call this: no plain connection leaves the machine.
absl::Status CheckLoopback(std::string_view field, std::string_view address);

}  // namespace vico
