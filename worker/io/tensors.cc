#include "worker/io/tensors.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "worker/io/float8.h"
#include "worker/model/finite.h"

namespace vico::worker {
namespace {

/// nullopt for types that LibTorch 1.13 does not have.
std::optional<torch::ScalarType> ToTorch(DType dtype) {
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
    default:
      return std::nullopt;
  }
}

std::optional<DType> FromTorch(torch::ScalarType type) {
  for (int i = 0; i < kDTypes; ++i) {
    if (ToTorch(static_cast<DType>(i)) == type) return static_cast<DType>(i);
  }
  return std::nullopt;
}

absl::Status Refuse(std::string_view source, std::string_view name, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: tensor \"{}\": {}", source, name, what));
}

/// Whether it is a buffer or head of text encoder files that Stable Diffusion does not use.
bool IsUnused(std::string_view name) {
  return name == "text_model.embeddings.position_ids" || name == "text_projection.weight" ||
         name == "logit_scale";
}

/// A view of the bytes if they are aligned, else a copy. Valid as long as the bytes.
torch::Tensor View(std::span<const std::byte> bytes, DType dtype,
                   const std::vector<int64_t>& shape) {
  if (IsFloat8(dtype)) return FromFloat8(bytes, dtype, shape);
  const auto type = ToTorch(dtype);
  TORCH_CHECK(type, "tensors of type ", std::string(DTypeName(dtype)), " are not read");
  const auto options = torch::dtype(*type);
  if (!bytes.empty() && reinterpret_cast<uintptr_t>(bytes.data()) % DTypeSize(dtype) == 0) {
    // Must not be written to: the file is mapped read-only.
    return torch::from_blob(const_cast<std::byte*>(bytes.data()), shape, options);
  }
  auto copy = torch::empty(shape, options);
  if (!bytes.empty()) std::memcpy(copy.data_ptr(), bytes.data(), bytes.size());
  return copy;
}

bool IsFloatingPoint(DType dtype) {
  const auto type = ToTorch(dtype);
  return IsFloat8(dtype) || (type && torch::isFloatingType(*type));
}

/// Whether the shapes differ only in a trailing [1, 1]: a 1x1 convolution and a linear layer.
bool SameUpToUnitKernel(torch::IntArrayRef a, torch::IntArrayRef b) {
  if (a.size() > b.size()) std::swap(a, b);
  return a == b || (a.size() == 2 && b.size() == 4 && a == b.slice(0, 2) && b[2] == 1 && b[3] == 1);
}

/// Contiguous CPU copies, and views of them for the writer.
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

std::string CurrentName(std::string name) {
  // The VAE's attention in diffusers before 0.17.
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
  // CLIP's text tower in transformers 5.
  for (const std::string_view start : {"embeddings.", "encoder.layers.", "final_layer_norm."}) {
    if (name.starts_with(start)) return "text_model." + name;
  }
  return name;
}

torch::Tensor ReadTensor(const SafetensorsFile& file, const TensorInfo& info) {
  return View(file.bytes(info), info.dtype, info.shape).clone();
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

std::vector<StoredTensor> StoredTensors(const SafetensorsFile& file) {
  std::vector<StoredTensor> tensors;
  for (const auto& info : file.tensors()) {
    tensors.push_back({.name = CurrentName(info.name),
                       .stored = info.name,
                       .source = file.source(),
                       .dtype = info.dtype,
                       .shape = info.shape,
                       .bytes = file.bytes(info)});
  }
  return tensors;
}

absl::Status LoadParameters(torch::nn::Module& module, std::span<const StoredTensor> tensors,
                            std::string_view source) {
  std::map<std::string, torch::Tensor> missing;
  for (auto& item : module.named_parameters()) missing.emplace(item.key(), item.value());
  std::map<std::string, std::string> loaded;  // parameter -> name in the file
  const torch::NoGradGuard no_grad;
  for (const auto& tensor : tensors) {
    const auto refuse = [&](std::string_view what) {
      return Refuse(tensor.source, tensor.stored, what);
    };
    const auto it = missing.find(tensor.name);
    if (it == missing.end()) {
      const auto twin = loaded.find(tensor.name);
      if (twin == loaded.end() && IsUnused(tensor.name)) continue;
      return refuse(twin == loaded.end()
                        ? "the network has no such parameter"
                        : fmt::format("is there twice, also as \"{}\"", twin->second));
    }
    auto& parameter = it->second;
    if (!SameUpToUnitKernel(parameter.sizes(), tensor.shape)) {
      return refuse(fmt::format("must be {}, found {}", ShapeText(parameter.sizes()),
                                ShapeText(tensor.shape)));
    }
    if (!IsFloatingPoint(tensor.dtype)) {
      return refuse(
          fmt::format("must hold floating-point numbers, found {}", DTypeName(tensor.dtype)));
    }
    parameter.copy_(View(tensor.bytes, tensor.dtype, tensor.shape).view(parameter.sizes()));
    if (!IsFinite(parameter)) {
      return refuse(
          "holds numbers that are not finite (NaN or infinity), so the file is damaged or "
          "its training diverged");
    }
    loaded.emplace(tensor.name, tensor.stored);
    missing.erase(it);
  }
  if (!missing.empty()) {
    const auto& [name, parameter] = *missing.begin();
    return Refuse(source, name,
                  fmt::format("is missing, must be {} ({} missing in all)",
                              ShapeText(parameter.sizes()), missing.size()));
  }
  return absl::OkStatus();
}

absl::Status LoadParameters(torch::nn::Module& module, const SafetensorsFile& file) {
  return LoadParameters(module, StoredTensors(file), file.source());
}

absl::Status SaveParameters(const torch::nn::Module& module, const std::string& path,
                            torch::ScalarType dtype, const Metadata& metadata) {
  TensorMap tensors;
  for (const auto& item : module.named_parameters()) {
    tensors.emplace(item.key(), item.value().detach().to(dtype));
  }
  return WriteTensors(path, tensors, metadata);
}

}  // namespace vico::worker
