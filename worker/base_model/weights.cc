#include "worker/base_model/weights.h"

#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/formats/checkpoint/torch_checkpoint.h"
#include "common/status.h"
#include "worker/io/file.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".safetensors";

absl::Status Refuse(const std::string& index, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", index, what));
}

/// Whether it is the name of a safetensors file in the index's own folder, not a path.
bool IsShardName(const std::string& name) {
  return name.size() > kEnding.size() && name.ends_with(kEnding) &&
         name.find_first_of("/\\") == std::string::npos;
}

absl::StatusOr<WeightFiles> ReadIndex(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto map = json.is_object() ? json.value("weight_map", nlohmann::json()) : json;
  if (!map.is_object() || map.empty()) {
    return Refuse(path, "weight_map: must be an object of tensor names and file names");
  }
  WeightFiles files;
  files.index = path;
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map.items()) {
    if (!shard.is_string() || !IsShardName(shard.get<std::string>())) {
      return Refuse(path, fmt::format("weight_map: {}: must be the name of a .safetensors file in "
                                      "the same folder, found {}",
                                      tensor, shard.dump().substr(0, 80)));
    }
    files.shard_of.emplace(tensor, shard.get<std::string>());
    shards.insert(shard.get<std::string>());
  }
  for (const auto& shard : shards) {
    const fs::path file = fs::path(path).parent_path() / shard;
    if (!fs::is_regular_file(file)) {
      return absl::NotFoundError(fmt::format("{}: is missing, {} names it", file.string(),
                                             fs::path(path).filename().string()));
    }
    files.paths.push_back(file.string());
  }
  return files;
}

/// Checks that each tensor is in the shard that the index names.
absl::Status CheckAgainstIndex(const WeightFiles& files, const Weights& weights) {
  size_t found = 0;
  for (const auto& tensor : weights.tensors) {
    const auto it = files.shard_of.find(tensor.stored);
    if (it == files.shard_of.end() || it->second != fs::path(tensor.source).filename()) {
      return Refuse(
          files.index,
          fmt::format("weight_map: {}: is in {}, {}", tensor.stored, tensor.source,
                      it == files.shard_of.end() ? "but is not listed" : "not in " + it->second));
    }
    ++found;
  }
  if (found == files.shard_of.size()) return absl::OkStatus();
  std::set<std::string> stored;
  for (const auto& tensor : weights.tensors) stored.insert(tensor.stored);
  for (const auto& [tensor, shard] : files.shard_of) {
    if (!stored.contains(tensor)) {
      return Refuse(files.index, fmt::format("weight_map: {}: is not in {}", tensor, shard));
    }
  }
  return absl::OkStatus();
}

/// Weights in the folder that are not read, for the message that the others are missing.
std::string OtherWeights(const std::string& folder) {
  static constexpr std::pair<std::string_view, std::string_view> kEndings[] = {
      {".onnx", "ONNX"},    {".msgpack", "Flax"},   {".h5", "TensorFlow"},     {".gguf", "GGUF"},
      {".xml", "OpenVINO"}, {".ckpt", "Lightning"}, {".tflite", "TensorFlow"}, {".npz", "NumPy"}};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    for (const auto& [ending, program] : kEndings) {
      if (entry.path().extension() != ending) continue;
      return fmt::format("; {} is for {}, take the weights for PyTorch",
                         entry.path().filename().string(), program);
    }
  }
  return "";
}

/// Opens a state_dict written by torch.save.
absl::Status AddStateDict(const std::string& path, Weights& weights) {
  ASSIGN_OR_RETURN(TorchCheckpoint opened, TorchCheckpoint::Open(path));
  const auto file = std::make_shared<TorchCheckpoint>(std::move(opened));
  weights.owners.push_back(file);
  const auto tensors = file->Tensors(file->root());
  if (!tensors.ok()) return tensors.status();
  for (const auto& [name, tensor] : *tensors) {
    ASSIGN_OR_RETURN(const TensorBytes bytes, file->Read(tensor));
    if (bytes.copy != nullptr) weights.owners.push_back(bytes.copy);
    weights.tensors.push_back({.name = CurrentName(name),
                               .stored = name,
                               .source = path,
                               .dtype = tensor.dtype,
                               .shape = tensor.shape,
                               .bytes = bytes.view});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<WeightFiles> FindWeightFiles(const std::string& folder, const std::string& stem) {
  const auto path = [&](std::string_view ending) {
    return (fs::path(folder) / fmt::format("{}{}", stem, ending)).string();
  };
  for (const char* variant : {"", ".fp16"}) {
    const auto file = path(fmt::format("{}{}", variant, kEnding));
    if (fs::is_regular_file(file)) return WeightFiles{{file}, "", {}};
    // diffusers has placed the variant's name in two ways.
    for (const auto& index : {path(fmt::format("{}{}.index.json", variant, kEnding)),
                              path(fmt::format("{}.index{}.json", kEnding, variant))}) {
      if (fs::is_regular_file(index)) return ReadIndex(index);
    }
  }
  for (const auto& name : {stem, std::string("pytorch_model")}) {  // transformers' name
    for (const char* ending : {".bin", ".fp16.bin"}) {
      const std::string file = (fs::path(folder) / (name + ending)).string();
      if (fs::is_regular_file(file)) return WeightFiles{{file}, "", {}};
    }
  }
  return absl::NotFoundError(
      fmt::format("{}: there is neither this file nor its index, fp16 variant or .bin{}",
                  path(kEnding), OtherWeights(folder)));
}

absl::StatusOr<Weights> OpenWeights(const WeightFiles& files) {
  Weights weights;
  for (const auto& path : files.paths) {
    if (fs::path(path).extension() == ".bin") {
      RETURN_IF_ERROR(AddStateDict(path, weights));
      continue;
    }
    ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::Open(path, kModelHeaderLimit));
    for (auto& tensor : StoredTensors(file)) weights.tensors.push_back(std::move(tensor));
    weights.owners.push_back(std::make_shared<const SafetensorsFile>(std::move(file)));
  }
  if (!files.index.empty()) RETURN_IF_ERROR(CheckAgainstIndex(files, weights));
  return weights;
}

}  // namespace vico::worker
