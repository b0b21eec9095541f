// Adapter files: the checks of an import, after the safetensors reader.
#include <map>

#include <nlohmann/json.hpp>

#include "common/formats/adapter_layout.h"
#include "common/formats/safetensors.h"
#include "server/checks/adapter_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace vico::fuzz {
namespace {

using Metadata = std::map<std::string, std::string>;

Metadata GoodMetadata() {
  return {{"format", "vico-adapter"},
          {"format_version", "1"},
          {"dialect", "paper"},
          {"base_model_digest", std::string(64, 'b')},
          {"placeholder", "S*"},
          {"init_word", "dog"},
          {"sites", R"(["up.0"])"},
          {"steps", "400"},
          {"reference_sha256", std::string(64, 'c')}};
}

/// A tiny adapter with one site. All bytes of its values are `value`.
std::string Adapter(const Metadata& metadata, DType dtype, std::byte value,
                    const std::string& left_out = "") {
  std::vector<std::pair<std::string, std::vector<int64_t>>> shapes = {
      {std::string(kPlaceholderEmbedding), {1, 8}}};
  for (const auto& [leaf, shape] : AdapterLeaves(4)) {
    shapes.emplace_back("up.0" + std::string(kImageAttention) + leaf, shape);
  }
  std::vector<std::vector<std::byte>> data;
  std::vector<TensorView> tensors;
  for (const auto& [name, shape] : shapes) {
    if (name == left_out) continue;
    size_t count = 1;
    for (const int64_t side : shape) count *= static_cast<size_t>(side);
    data.emplace_back(count * DTypeSize(dtype), value);
    tensors.push_back({name, dtype, shape, data.back()});
  }
  return *SerializeSafetensors(tensors, metadata);
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI64}) {
    seeds.push_back(Adapter(GoodMetadata(), dtype, std::byte{0x11}));
    seeds.push_back(Adapter(GoodMetadata(), dtype, std::byte{0xff}));  // NaN
  }
  seeds.push_back(Adapter(GoodMetadata(), DType::kF32, std::byte{0}, "placeholder_embedding"));
  seeds.push_back(Adapter({}, DType::kF32, std::byte{0}));
  for (const auto& [key, value] : {std::pair{"format", "other"},
                                   {"format_version", "2"},
                                   {"dialect", "latin"},
                                   {"base_model_digest", "short"},
                                   {"placeholder", "two words"},
                                   {"sites", "[]"},
                                   {"sites", "not json"},
                                   {"sites", R"(["up.0","up.0"])"},
                                   {"sites", R"([1,[2],{"a":3}])"},
                                   {"steps", "-1"},
                                   {"steps", "99999999999999999999"},
                                   {"init_word", "\n"}}) {
    Metadata metadata = GoodMetadata();
    metadata[key] = value;
    seeds.push_back(Adapter(metadata, DType::kF32, std::byte{0}));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = SafetensorsFile::FromBytes(std::string(AsText(data, size)), "file");
  if (!file.ok()) return 0;
  const auto facts = server::CheckAdapterFile(*file);
  if (!facts.ok()) return 0;
  MustHold(IsPlaceholder(facts->placeholder), "the placeholder of an adapter is valid in a prompt");
  MustHold(file->Find(kPlaceholderEmbedding) != nullptr, "an adapter has a placeholder embedding");
  return 0;
}

}  // namespace vico::fuzz
