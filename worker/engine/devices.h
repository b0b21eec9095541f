// The devices that --device names.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <c10/core/Device.h>

namespace vico::worker {

/// `names` as in TorchEngineOptions::device, of one kind. Each CPU device must have one of the
/// `threads` at least. Errors as for OpenTorchEngine().
absl::StatusOr<std::vector<c10::Device>> DevicesNamed(const std::string& names, int threads);

/// "cuda:0,cuda:1".
std::string Joined(const std::vector<c10::Device>& devices);

}  // namespace vico::worker
