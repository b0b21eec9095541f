#include "worker/io/adapter.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::worker {
namespace {

const std::string kEmbedding(kPlaceholderEmbedding);
const std::string kBlock(kImageAttention);

absl::Status Refuse(std::string_view source, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", source, what));
}

absl::Status CheckTensor(std::string_view source, const std::string& name,
                         const torch::Tensor& tensor, const std::vector<int64_t>& shape) {
  if (tensor.sizes() != torch::IntArrayRef(shape)) {
    return Refuse(source, fmt::format("tensor \"{}\": must be {}, found {}", name, ShapeText(shape),
                                      ShapeText(tensor.sizes())));
  }
  if (!tensor.isfinite().all().item<bool>()) {
    return Refuse(source, fmt::format("tensor \"{}\": holds a number that is not finite", name));
  }
  return absl::OkStatus();
}

/// The embedding and every leaf of every site, of width channels[i], are there, and nothing else.
absl::Status CheckTensors(std::string_view source, const AdapterFile& adapter,
                          int64_t embedding_size, const std::vector<int64_t>& channels) {
  std::map<std::string, std::vector<int64_t>> expected = {{kEmbedding, {1, embedding_size}}};
  for (size_t i = 0; i < adapter.sites.size(); ++i) {
    for (auto& [leaf, shape] : AdapterLeaves(channels[i])) {
      std::string name = adapter.sites[i];
      name.append(kBlock).append(leaf);
      expected.emplace(std::move(name), std::move(shape));
    }
  }
  for (const auto& [name, shape] : expected) {
    const auto it = adapter.tensors.find(name);
    if (it == adapter.tensors.end()) {
      return Refuse(source, fmt::format("tensor \"{}\": is missing", name));
    }
    RETURN_IF_ERROR(CheckTensor(source, name, it->second, shape));
  }
  for (const auto& [name, tensor] : adapter.tensors) {
    if (!expected.contains(name)) {
      return Refuse(source, fmt::format("tensor \"{}\": belongs to no site", name));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> SerializeAdapter(const AdapterFile& adapter) {
  constexpr std::string_view kSource = "adapter";
  const auto size_of = [&adapter](const std::string& name) -> int64_t {
    const auto it = adapter.tensors.find(name);
    return it == adapter.tensors.end() ? 0 : it->second.numel();
  };
  std::vector<int64_t> channels;
  for (const auto& site : adapter.sites)
    channels.push_back(size_of(site + kBlock + "norm1.weight"));
  RETURN_IF_ERROR(CheckTensors(kSource, adapter, size_of(kEmbedding), channels));

  TensorMap tensors;
  for (const auto& [name, tensor] : adapter.tensors) {
    tensors[name] = tensor.detach().to(torch::kFloat32);
  }
  return SerializeTensors(tensors, AdapterMetadata(adapter));
}

absl::StatusOr<AdapterFile> ParseAdapter(std::string bytes, const std::string& source,
                                         const AdapterTarget& target) {
  ASSIGN_OR_RETURN(const auto file,
                   SafetensorsFile::FromBytes(std::move(bytes), source, kAdapterHeaderLimit));
  auto header = ReadAdapterHeader(file.metadata());
  if (!header.ok()) return Refuse(source, ToStd(header.status().message()));
  AdapterFile adapter;
  static_cast<AdapterHeader&>(adapter) = *std::move(header);

  std::vector<int64_t> channels;
  for (const auto& site : adapter.sites) {
    const auto it = std::find_if(target.transformers.begin(), target.transformers.end(),
                                 [&](const TransformerSite& known) { return known.name == site; });
    if (it == target.transformers.end()) {
      return Refuse(source, fmt::format("metadata \"sites\": the base model has no transformer "
                                        "\"{}\"",
                                        site.substr(0, 100)));
    }
    channels.push_back(it->channels);
  }
  for (const auto& info : file.tensors()) {
    if (info.dtype != DType::kF32 && info.dtype != DType::kF16 && info.dtype != DType::kBF16) {
      return Refuse(source, fmt::format("tensor \"{}\": must be F32, F16 or BF16, found {}",
                                        info.name, DTypeName(info.dtype)));
    }
    adapter.tensors.emplace(info.name, ReadTensor(file, info).to(torch::kFloat32));
  }
  RETURN_IF_ERROR(CheckTensors(source, adapter, target.embedding_size, channels));
  return adapter;
}

Adapter MakeAdapter(const AdapterFile& adapter, const std::vector<TransformerSite>& transformers) {
  std::vector<int64_t> sites;
  for (size_t i = 0; i < transformers.size(); ++i) {
    const auto& name = transformers[i].name;
    if (std::find(adapter.sites.begin(), adapter.sites.end(), name) != adapter.sites.end()) {
      sites.push_back(static_cast<int64_t>(i));
    }
  }
  Adapter module(transformers, sites, adapter.tensors.at(kEmbedding).size(1), 0, BlockStart::kZero);
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : module->NamedTensors()) {
    tensor.copy_(adapter.tensors.at(name));
  }
  return module;
}

}  // namespace vico::worker
