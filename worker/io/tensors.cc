#include "worker/io/tensors.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

namespace vico {
namespace {

torch::ScalarType ToTorch(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return torch::kFloat64;
    case DType::kF32:
      return torch::kFloat32;
    case DType::kF16:
      return torch::kFloat16;
    case DType::kBF16:
      return torch::kBFloat16;
    case DType::kI64:
      return torch::kInt64;
    case DType::kI32:
      return torch::kInt32;
    case DType::kI16:
      return torch::kInt16;
    case DType::kI8:
      return torch::kInt8;
    case DType::kU8:
      return torch::kUInt8;
    case DType::kBool:
      return torch::kBool;
  }
  return torch::kFloat32;
}

std::optional<DType> FromTorch(torch::ScalarType type) {
  for (int i = 0; i <= static_cast<int>(DType::kBool); ++i) {
    if (ToTorch(static_cast<DType>(i)) == type) return static_cast<DType>(i);
  }
  return std::nullopt;
}

absl::Status Refuse(const SafetensorsFile& file, std::string_view name, std::string_view what) {
  return absl::InvalidArgumentError(
      fmt::format("{}: tensor \"{}\": {}", file.source(), name, what));
}

/// The name a module of ours has for a name found in a file.
std::string CurrentName(std::string name) {
  // The VAE's attention, before diffusers 0.17.
  static constexpr std::pair<std::string_view, std::string_view> kRenamed[] = {
      {".query.", ".to_q."},
      {".key.", ".to_k."},
      {".value.", ".to_v."},
      {".proj_attn.", ".to_out.0."}};
  for (const auto& [old_part, new_part] : kRenamed) {
    if (const auto at = name.find(old_part); at != std::string::npos) {
      return name.replace(at, old_part.size(), new_part);
    }
  }
  // CLIP's text tower, as transformers 5 writes it.
  for (const std::string_view start : {"embeddings.", "encoder.layers.", "final_layer_norm."}) {
    if (name.starts_with(start)) return "text_model." + name;
  }
  return name;
}

/// Whether one is the other with [.., 1, 1] behind it: a 1x1 convolution and a linear layer.
bool SameUpToUnitKernel(torch::IntArrayRef a, torch::IntArrayRef b) {
  if (a.size() > b.size()) std::swap(a, b);
  return a == b || (a.size() == 2 && b.size() == 4 && a == b.slice(0, 2) && b[2] == 1 && b[3] == 1);
}

/// Contiguous CPU copies and the views of them that the writer takes.
struct Views {
  std::vector<torch::Tensor> kept;
  std::vector<TensorView> views;
};

absl::StatusOr<Views> MakeViews(const TensorMap& tensors) {
  Views result;
  for (const auto& [name, tensor] : tensors) {
    const auto dtype = FromTorch(tensor.scalar_type());
    if (!dtype) {
      return absl::InvalidArgumentError(
          fmt::format("tensor \"{}\": dtype {} has no safetensors name", name,
                      c10::toString(tensor.scalar_type())));
    }
    const auto& kept = result.kept.emplace_back(tensor.detach().cpu().contiguous());
    const auto sizes = kept.sizes();
    result.views.push_back({name,
                            *dtype,
                            {sizes.begin(), sizes.end()},
                            {static_cast<const std::byte*>(kept.data_ptr()), kept.nbytes()}});
  }
  return result;
}

}  // namespace

torch::Tensor ReadTensor(const SafetensorsFile& file, const TensorInfo& info) {
  const auto bytes = file.bytes(info);
  auto tensor = torch::empty(info.shape, torch::dtype(ToTorch(info.dtype)));
  if (!bytes.empty()) std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

TensorMap ReadTensors(const SafetensorsFile& file) {
  TensorMap tensors;
  for (const auto& info : file.tensors()) tensors.emplace(info.name, ReadTensor(file, info));
  return tensors;
}

absl::StatusOr<std::string> SerializeTensors(const TensorMap& tensors, const Metadata& metadata) {
  const auto views = MakeViews(tensors);
  if (!views.ok()) return views.status();
  return SerializeSafetensors(views->views, metadata);
}

absl::Status WriteTensors(const std::string& path, const TensorMap& tensors,
                          const Metadata& metadata) {
  const auto views = MakeViews(tensors);
  if (!views.ok()) return views.status();
  return WriteSafetensors(path, views->views, metadata);
}

absl::Status LoadParameters(torch::nn::Module& module, const SafetensorsFile& file,
                            const LoadOptions& options) {
  std::map<std::string, torch::Tensor> missing;
  for (auto& item : module.named_parameters()) missing.emplace(item.key(), item.value());
  std::set<std::string> loaded;
  const torch::NoGradGuard no_grad;
  for (const auto& info : file.tensors()) {
    const auto name = CurrentName(info.name);
    if (options.ignored.contains(name)) continue;
    const auto it = missing.find(name);
    if (it == missing.end()) {
      return Refuse(file, info.name,
                    loaded.contains(name) ? "is there twice, under two names"
                                          : "the network has no such parameter");
    }
    auto& parameter = it->second;
    if (!SameUpToUnitKernel(parameter.sizes(), info.shape)) {
      return Refuse(
          file, info.name,
          fmt::format("must be {}, found {}", ShapeText(parameter.sizes()), ShapeText(info.shape)));
    }
    if (!torch::isFloatingType(ToTorch(info.dtype))) {
      return Refuse(
          file, info.name,
          fmt::format("must hold floating-point numbers, found {}", DTypeName(info.dtype)));
    }
    parameter.copy_(ReadTensor(file, info).view(parameter.sizes()));
    loaded.insert(name);
    missing.erase(it);
  }
  if (!missing.empty()) {
    const auto& [name, parameter] = *missing.begin();
    return Refuse(file, name,
                  fmt::format("is missing, must be {} ({} missing in all)",
                              ShapeText(parameter.sizes()), missing.size()));
  }
  return absl::OkStatus();
}

absl::Status SaveParameters(const torch::nn::Module& module, const std::string& path,
                            torch::ScalarType dtype, const Metadata& metadata) {
  TensorMap tensors;
  for (const auto& item : module.named_parameters()) {
    tensors.emplace(item.key(), item.value().detach().to(dtype));
  }
  return WriteTensors(path, tensors, metadata);
}

}  // namespace vico
