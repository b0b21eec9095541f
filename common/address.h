// Where to listen and whom to dial, as written on a command line.
#pragma once

#include <string_view>

#include <absl/status/status.h>

namespace vico {

/// OK for an address that only this machine can reach: 127.x.y.z:port, [::1]:port, localhost:port,
/// unix:path. Otherwise kInvalidArgument that names `field`: nothing here speaks TLS yet, and
/// without it nothing may leave the machine.
absl::Status CheckLoopback(std::string_view field, std::string_view address);

}  // namespace vico
