// Where to listen and whom to dial, as written on a command line.
#pragma once

#include <string_view>

#include <absl/status/status.h>

namespace vico {

/// OK for host:port and unix:path; otherwise kInvalidArgument that names `field`.
absl::Status CheckAddress(std::string_view field, std::string_view address);

/// Whether only this machine can reach a good address: 127.x.y.z:port, [::1]:port, localhost:port,
/// unix:path.
bool IsLoopback(std::string_view address);

/// OK for a good address that only this machine can reach; otherwise kInvalidArgument that names
/// `field`: without TLS nothing may leave the machine.
absl::Status CheckLoopback(std::string_view field, std::string_view address);

}  // namespace vico
