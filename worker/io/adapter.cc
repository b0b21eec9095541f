#include "worker/io/adapter.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/sha256.h"
#include "common/status.h"

namespace vico::worker {
namespace {

constexpr char kEmbedding[] = "placeholder_embedding";
constexpr char kBlock[] = ".image_cross_attention.";

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
      expected.emplace(adapter.sites[i] + kBlock + leaf, std::move(shape));
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

/// Takes strings and numbers out of the metadata and keeps the first complaint.
class MetadataReader {
 public:
  MetadataReader(const Metadata& metadata, std::string_view source)
      : metadata_(metadata), source_(source) {}

  std::string Text(const std::string& key) {
    const auto it = metadata_.find(key);
    if (it != metadata_.end()) return it->second;
    Complain(key, "is missing");
    return "";
  }

  std::string Optional(const std::string& key) {
    const auto it = metadata_.find(key);
    return it == metadata_.end() ? "" : it->second;
  }

  std::string OneOf(const std::string& key, std::initializer_list<std::string_view> allowed) {
    auto text = Text(key);
    if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
      Complain(key, fmt::format("must be {}, found \"{}\"", fmt::join(allowed, " or "),
                                text.substr(0, 40)));
    }
    return text;
  }

  std::string Digest(const std::string& key) {
    auto text = Text(key);
    if (!IsSha256Hex(text)) Complain(key, "must be 64 lower-case hexadecimal digits");
    return text;
  }

  template <typename Number>
  Number WholeNumber(const std::string& key) {
    const auto text = Optional(key);
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && (error != std::errc() || end != text.data() + text.size())) {
      Complain(key, "must be a whole number");
    }
    return number;
  }

  void Complain(std::string_view key, std::string_view what) {
    if (status_.ok()) status_ = Refuse(source_, fmt::format("metadata \"{}\": {}", key, what));
  }

  const absl::Status& status() const { return status_; }

 private:
  const Metadata& metadata_;
  std::string source_;
  absl::Status status_;
};

std::vector<std::string> ParseSites(MetadataReader& reader) {
  const auto json = nlohmann::json::parse(reader.Text("sites"), nullptr, false);
  std::vector<std::string> sites;
  std::set<std::string> seen;
  bool good = json.is_array() && !json.empty() && json.size() <= 16;
  for (size_t i = 0; good && i < json.size(); ++i) {
    good = json[i].is_string() && seen.insert(json[i].get<std::string>()).second;
    if (good) sites.push_back(json[i].get<std::string>());
  }
  if (!good) reader.Complain("sites", "must be a JSON list of 1..16 different names");
  return sites;
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
  const Metadata metadata = {{"format", "vico-adapter"},
                             {"format_version", "1"},
                             {"dialect", adapter.dialect},
                             {"base_model_digest", adapter.base_model_digest},
                             {"placeholder", adapter.placeholder},
                             {"init_word", adapter.init_word},
                             {"sites", nlohmann::json(adapter.sites).dump()},
                             {"steps", std::to_string(adapter.steps)},
                             {"seed", std::to_string(adapter.seed)},
                             {"code_version", adapter.code_version},
                             {"config", adapter.config},
                             {"reference_sha256", adapter.reference_sha256}};
  return SerializeTensors(tensors, metadata);
}

absl::StatusOr<AdapterFile> ParseAdapter(std::string bytes, std::string source,
                                         const AdapterTarget& target) {
  ASSIGN_OR_RETURN(const auto file,
                   SafetensorsFile::FromBytes(std::move(bytes), source, kAdapterHeaderLimit));
  MetadataReader reader(file.metadata(), source);
  AdapterFile adapter;
  reader.OneOf("format", {"vico-adapter"});
  reader.OneOf("format_version", {"1"});
  adapter.dialect = reader.OneOf("dialect", {"paper", "mmagic"});
  adapter.base_model_digest = reader.Digest("base_model_digest");
  adapter.placeholder = reader.Text("placeholder");
  adapter.init_word = reader.Text("init_word");
  adapter.sites = ParseSites(reader);
  adapter.steps = reader.WholeNumber<int64_t>("steps");
  adapter.seed = reader.WholeNumber<uint64_t>("seed");
  adapter.code_version = reader.Optional("code_version");
  adapter.config = reader.Optional("config");
  adapter.reference_sha256 = reader.Optional("reference_sha256");
  RETURN_IF_ERROR(reader.status());
  if (adapter.base_model_digest != target.base_model_digest) {
    return absl::FailedPreconditionError(fmt::format("{}: was trained on base model {}, not on {}",
                                                     source, adapter.base_model_digest,
                                                     target.base_model_digest));
  }

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
