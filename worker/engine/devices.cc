#include "worker/engine/devices.h"

#include <algorithm>
#include <cstdint>
#include <sstream>

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/cuda.h>

#include "common/status.h"

namespace vico::worker {
namespace {

/// One name, which is not "auto".
absl::StatusOr<c10::Device> DeviceNamed(const std::string& name, int64_t gpus) {
  c10::Device device(c10::kCPU);
  try {
    device = c10::Device(name);
  } catch (const c10::Error&) {
    return FieldError("--device", fmt::format("must be auto, cpu, cuda or cuda:N, got {}", name));
  }
  if (device.is_cpu()) return c10::Device(c10::kCPU);
  if (!device.is_cuda()) {
    return FieldError("--device", fmt::format("must be auto, cpu, cuda or cuda:N, got {}", name));
  }
  if (gpus == 0) {
    return absl::FailedPreconditionError(
        "--device: there is no CUDA device, or LibTorch was built without CUDA");
  }
  const c10::Device numbered(c10::kCUDA, device.has_index() ? device.index() : c10::DeviceIndex{0});
  if (static_cast<uint8_t>(numbered.index()) >= gpus) {
    return absl::FailedPreconditionError(
        fmt::format("--device: there is no {}: LibTorch sees {}", numbered.str(),
                    gpus == 1 ? "cuda:0 only" : fmt::format("cuda:0 to cuda:{}", gpus - 1)));
  }
  return numbered;
}

}  // namespace

absl::StatusOr<std::vector<c10::Device>> DevicesNamed(const std::string& names, int threads) {
  // A type of its own in some versions, as small as a char.
  const int64_t gpus = static_cast<uint8_t>(torch::cuda::device_count());
  if (names == "auto") {
    return std::vector{gpus > 0 ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU)};
  }
  std::vector<c10::Device> devices;
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) {
    ASSIGN_OR_RETURN(const c10::Device device, DeviceNamed(name, gpus));
    if (!devices.empty() && device.type() != devices.front().type()) {
      return FieldError("--device", "must be CPUs only or GPUs only");
    }
    if (device.is_cuda() && std::find(devices.begin(), devices.end(), device) != devices.end()) {
      return FieldError("--device", fmt::format("names {} twice", device.str()));
    }
    devices.push_back(device);
  }
  if (devices.empty()) return FieldError("--device", "must name a device");
  if (devices.front().is_cpu() && std::ssize(devices) > threads) {
    return FieldError("--device",
                      fmt::format("{} CPU devices need as many --threads or more, got {}",
                                  devices.size(), threads));
  }
  return devices;
}

std::string Joined(const std::vector<c10::Device>& devices) {
  std::vector<std::string> names;
  names.reserve(devices.size());
  for (const c10::Device& device : devices) names.push_back(device.str());
  return fmt::format("{}", fmt::join(names, ","));
}

}  // namespace vico::worker
