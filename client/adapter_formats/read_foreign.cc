// ReadForeignAdapter(): maps keys to Vico's names and checks that all tensors are there and fit.
#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "client/adapter_formats/adapter_formats.h"
#include "common/formats/adapter_layout.h"
#include "common/formats/checkpoint/torch_checkpoint.h"
#include "common/status.h"

namespace vico::client {
namespace {

using Kind = PickleNode::Kind;
using TensorsByKey = std::map<std::string, CheckpointTensor>;

constexpr int64_t kMaxWidth = 8192;  // of a site or an embedding
constexpr size_t kMaxSites = 16;

absl::Status Bad(std::string_view file, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", file, what));
}
absl::Status BadKey(std::string_view file, std::string_view key, std::string_view what) {
  return Bad(file, fmt::format("\"{}\": {}", key.substr(0, 200), what));
}

/// The relevant content of one file.
struct Part {
  std::unique_ptr<TorchCheckpoint> file;
  TensorsByKey attention;  // tensors of image attention
  struct Word {
    std::string text;
    std::string key;  // for messages
    CheckpointTensor tensor;
  };
  std::vector<Word> words;
};

/// Removes the "module." that distributed training adds to keys.
std::string SingleProcessKey(std::string_view key) {
  constexpr std::string_view kModule = "module.";
  std::string text(key);
  for (size_t at = text.find(kModule); at != std::string::npos; at = text.find(kModule, at)) {
    text.erase(at, kModule.size());
  }
  return text;
}

/// The tensors of an adapter in the state_dict of a whole training; skips the base model.
absl::StatusOr<TensorsByKey> AdapterEntries(const TorchCheckpoint& file, const PickleNode& dict) {
  TensorsByKey tensors;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode& key = file.tree().node(dict.items[i]);
    const PickleNode& value = file.tree().node(dict.items[i + 1]);
    if (key.kind != Kind::kString) return Bad(file.source(), "state_dict: a key is not a string");
    const std::string name = SingleProcessKey(key.text);
    const bool wanted =
        name.find(kImageAttention) != std::string::npos || name.starts_with(kMmagicWord);
    if (!wanted) continue;
    if (value.kind != Kind::kTensor) {
      return BadKey(file.source(), name,
                    fmt::format("must be a tensor, got {}", KindName(value.kind)));
    }
    if (!tensors.emplace(name, file.Tensor(value)).second) {
      return BadKey(file.source(), name, "occurs twice, with and without \"module.\"");
    }
  }
  return tensors;
}

/// The authors' embeddings: {"string_to_token": {"*": id}, "string_to_param": {"*": vector}}.
absl::StatusOr<std::vector<Part::Word>> EmbeddingsWords(const TorchCheckpoint& file) {
  const PickleTree& tree = file.tree();
  const PickleNode* parameters = tree.Find(file.root(), "string_to_param");
  if (parameters->kind == Kind::kParameterDict && !parameters->items.empty()) {
    parameters = tree.Find(tree.node(parameters->items[0]), "_parameters");
  }
  if (parameters == nullptr || parameters->kind != Kind::kDict) {
    return BadKey(file.source(), "string_to_param", "must be a ParameterDict");
  }
  const PickleNode* tokens = tree.Find(file.root(), "string_to_token");
  ASSIGN_OR_RETURN(const TensorsByKey tensors, file.Tensors(*parameters));
  std::vector<Part::Word> words;
  for (const auto& [word, tensor] : tensors) {
    if (tokens == nullptr || tree.Find(*tokens, word) == nullptr) {
      return BadKey(file.source(), "string_to_token", fmt::format("lacks the word \"{}\"", word));
    }
    words.push_back({word, fmt::format("string_to_param.{}", word), tensor});
  }
  if (words.empty()) return BadKey(file.source(), "string_to_param", "holds no learned word");
  return words;
}

absl::StatusOr<Part> ReadPart(const std::filesystem::path& path) {
  // All files are opened with the limits of whole trainings, since the kind is known only after
  // reading. Objects that are not tensors fail below, where a tensor is expected.
  ASSIGN_OR_RETURN(TorchCheckpoint opened,
                   TorchCheckpoint::Open(path.string(), CheckpointOptions::WholeTraining()));
  Part part;
  part.file = std::make_unique<TorchCheckpoint>(std::move(opened));
  const TorchCheckpoint& file = *part.file;
  if (file.root().kind != Kind::kDict) {
    return Bad(file.source(), fmt::format("must hold a dict, got {}", KindName(file.root().kind)));
  }
  if (file.tree().Find(file.root(), "string_to_param") != nullptr) {
    ASSIGN_OR_RETURN(part.words, EmbeddingsWords(file));
    return part;
  }
  TensorsByKey tensors;
  if (const PickleNode* whole = file.tree().Find(file.root(), "state_dict")) {
    if (whole->kind != Kind::kDict) {
      return BadKey(file.source(), "state_dict",
                    fmt::format("must be a dict, got {}", KindName(whole->kind)));
    }
    ASSIGN_OR_RETURN(tensors, AdapterEntries(file, *whole));
  } else {
    ASSIGN_OR_RETURN(tensors, file.Tensors(file.root()));
  }
  for (auto& [key, tensor] : tensors) {
    if (key.starts_with(kMmagicWord)) {
      part.words.push_back({key.substr(kMmagicWord.size()), key, std::move(tensor)});
    } else if (key.find(kImageAttention) != std::string::npos) {
      part.attention.emplace(key, std::move(tensor));
    } else {
      return BadKey(file.source(), key, "is not part of an adapter");
    }
  }
  return part;
}

/// Builds the adapter from its parts and checks that they are complete.
class Builder {
 public:
  explicit Builder(ForeignAdapter& adapter) : adapter_(adapter) {}

  absl::Status AddWord(Part& part) {
    const std::string& file = part.file->source();
    if (part.words.size() > 1) {
      return Bad(file, fmt::format("holds {} learned words, among them \"{}\" and \"{}\"; an "
                                   "adapter has one",
                                   part.words.size(), part.words[0].text.substr(0, 40),
                                   part.words[1].text.substr(0, 40)));
    }
    const Part::Word& word = part.words.front();
    const auto& shape = word.tensor.shape;
    if (shape.size() != 2 || shape[0] != 1 || shape[1] < 1 || shape[1] > kMaxWidth) {
      return BadKey(file, word.key,
                    fmt::format("must be [1, D], one vector, found {}", ShapeText(shape)));
    }
    adapter_.placeholder = word.text;
    return Add(part, word.key, std::string(kPlaceholderEmbedding), word.tensor);
  }

  absl::Status AddAttention(Part& part) {
    const std::string& file = part.file->source();
    std::map<std::string, std::map<std::string, const CheckpointTensor*>> sites;
    for (const auto& [key, tensor] : part.attention) {
      const auto leaf = ParseForeignKey(adapter_.format, key);
      if (!leaf) return BadKey(file, key, "does not name a transformer");
      sites[leaf->site].emplace(leaf->leaf, &tensor);
    }
    if (sites.empty() || sites.size() > kMaxSites) {
      return Bad(file, fmt::format("must have image attention at 1..{} transformers, found {}",
                                   kMaxSites, sites.size()));
    }
    for (auto& [site, leaves] : sites) {
      RETURN_IF_ERROR(AddSite(part, site, leaves));
      adapter_.sites.push_back(site);
    }
    std::sort(adapter_.sites.begin(), adapter_.sites.end(),
              [](const std::string& a, const std::string& b) {
                return *ExecutionOrder(a) < *ExecutionOrder(b);
              });
    return absl::OkStatus();
  }

 private:
  absl::Status AddSite(Part& part, const std::string& site,
                       std::map<std::string, const CheckpointTensor*>& leaves) {
    const std::string& file = part.file->source();
    const auto first = leaves.find("norm1.weight");
    const bool has_width = first != leaves.end() && first->second->shape.size() == 1;
    const int64_t width = has_width ? first->second->shape[0] : 0;
    if (first != leaves.end() && (width < 1 || width > kMaxWidth)) {
      return BadKey(file, Key(site, "norm1.weight"),
                    fmt::format("must be [d], found {}", ShapeText(first->second->shape)));
    }
    for (const auto& [leaf, shape] : AdapterLeaves(width)) {
      const auto found = leaves.find(leaf);
      const std::string key = Key(site, leaf);
      if (found == leaves.end()) return BadKey(file, key, "is missing");
      if (found->second->shape != shape) {
        return BadKey(
            file, key,
            fmt::format("must be {}, found {}", ShapeText(shape), ShapeText(found->second->shape)));
      }
      RETURN_IF_ERROR(
          Add(part, key, fmt::format("{}{}{}", site, kImageAttention, leaf), *found->second));
      leaves.erase(found);
    }
    if (!leaves.empty()) {
      return BadKey(file, Key(site, leaves.begin()->first), "is not part of an image attention");
    }
    return absl::OkStatus();
  }

  absl::Status Add(Part& part, const std::string& key, std::string name,
                   const CheckpointTensor& tensor) {
    if (tensor.dtype != DType::kF32 && tensor.dtype != DType::kF16 &&
        tensor.dtype != DType::kBF16) {
      return BadKey(part.file->source(), key,
                    fmt::format("must be F32, F16 or BF16, found {}", DTypeName(tensor.dtype)));
    }
    ASSIGN_OR_RETURN(TensorBytes bytes, part.file->Read(tensor));
    adapter_.tensors.push_back({std::move(name), tensor.dtype, tensor.shape, bytes.view});
    if (bytes.copy) adapter_.owners.push_back(std::move(bytes.copy));
    return absl::OkStatus();
  }

  std::string Key(std::string_view site, std::string_view leaf) const {
    return ForeignKey(adapter_.format, site, leaf).value_or(std::string(leaf));
  }

  ForeignAdapter& adapter_;
};

}  // namespace

bool IsForeign(const std::filesystem::path& file) {
  char start[4] = {};
  std::ifstream in(file, std::ios::binary);
  in.read(start, sizeof(start));
  const std::string_view text(start, static_cast<size_t>(in.gcount()));
  return text == "PK\x03\x04" || text == "\x80\x02\x8a\x0a";
}

absl::StatusOr<ForeignAdapter> ReadForeignAdapter(const std::vector<std::filesystem::path>& files) {
  if (files.empty() || files.size() > 2) {
    return absl::InvalidArgumentError(
        fmt::format("FILE: must be one file, or the authors' two, got {}", files.size()));
  }
  std::vector<Part> parts;
  for (const auto& path : files) {
    ASSIGN_OR_RETURN(Part part, ReadPart(path));
    parts.push_back(std::move(part));
  }
  Part* word = nullptr;
  Part* attention = nullptr;
  for (Part& part : parts) {
    for (const auto& [has, role, what] :
         {std::tuple(!part.words.empty(), &word, "a learned word"),
          std::tuple(!part.attention.empty(), &attention, "image attention")}) {
      if (!has) continue;
      if (*role != nullptr) {
        return Bad(part.file->source(),
                   fmt::format("holds {}, as {} does", what, (*role)->file->source()));
      }
      *role = &part;
    }
  }
  if (word == nullptr) {
    return Bad(parts.front().file->source(),
               attention == nullptr ? "holds no image attention and no learned word"
                                    : "holds no learned word; the authors keep it in a second "
                                      "file, embeddings_gs-N.pt: name both");
  }
  if (attention == nullptr) {
    return Bad(word->file->source(),
               "holds no image attention; the authors keep it in a second file, "
               "cross_attention-N.pt: name both");
  }
  ForeignAdapter adapter;
  const bool authors = word->file->tree().Find(word->file->root(), "string_to_param") != nullptr;
  adapter.format = authors ? ForeignFormat::kAuthors : ForeignFormat::kMmagic;
  Builder builder(adapter);
  RETURN_IF_ERROR(builder.AddAttention(*attention));
  RETURN_IF_ERROR(builder.AddWord(*word));
  for (Part& part : parts) {
    adapter.owners.push_back(std::shared_ptr<const TorchCheckpoint>(std::move(part.file)));
  }
  return adapter;
}

}  // namespace vico::client
