// ForeignFiles(): writes an adapter with the names of another program.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "client/adapter_formats/adapter_formats.h"
#include "common/formats/adapter_header.h"
#include "common/formats/adapter_layout.h"
#include "common/formats/checkpoint/torch_checkpoint_write.h"
#include "common/status.h"

namespace vico::client {
namespace {

// The authors' code accepts one word without a change of its tokenizer: this one, with this id.
constexpr std::string_view kAuthorsWord = "*";
constexpr int64_t kAuthorsToken = 265;

/// Writes a ParameterDict with one parameter, with the module state that PyTorch 2 pickles.
void WriteParameterDict(TorchCheckpointWriter& writer, const TensorView& parameter) {
  PickleWriter& pickle = writer.pickle();
  pickle.Global("torch.nn.modules.container", "ParameterDict");
  pickle.EmptyTuple();
  pickle.NewObject();
  pickle.EmptyDict();
  pickle.Mark();
  pickle.String("training");
  pickle.Bool(true);
  pickle.String("_parameters");
  pickle.EmptyDict();
  pickle.Mark();
  pickle.String(kAuthorsWord);
  writer.Parameter(parameter);
  pickle.SetItems();
  pickle.String("_non_persistent_buffers_set");
  pickle.Global("__builtin__", "set");
  pickle.Mark();
  pickle.EmptyList();
  pickle.Tuple();
  pickle.Reduce();
  pickle.String("_is_full_backward_hook");
  pickle.None();
  for (const char* plain : {"_buffers", "_modules"}) {
    pickle.String(plain);
    pickle.EmptyDict();
  }
  for (const char* hooks :
       {"_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_hooks_with_kwargs",
        "_forward_hooks_always_called", "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs",
        "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks",
        "_load_state_dict_post_hooks"}) {
    pickle.String(hooks);
    pickle.EmptyOrderedDict();
  }
  pickle.String("_keys");
  pickle.EmptyDict();
  pickle.Mark();
  pickle.String(kAuthorsWord);
  pickle.None();
  pickle.SetItems();
  pickle.SetItems();
  pickle.Build();
}

/// {"string_to_token": {"*": 265}, "string_to_param": ParameterDict {"*": [1, D]}}.
absl::StatusOr<std::string> EmbeddingsFile(const std::string& name, const TensorView& word) {
  TorchCheckpointWriter writer(name);
  PickleWriter& pickle = writer.pickle();
  pickle.EmptyDict();
  pickle.Mark();
  pickle.String("string_to_token");
  pickle.EmptyDict();
  pickle.Mark();
  pickle.String(kAuthorsWord);
  std::byte token[sizeof(kAuthorsToken)];
  std::memcpy(token, &kAuthorsToken, sizeof(token));
  writer.Tensor({"", DType::kI64, {}, token});
  pickle.SetItems();
  pickle.String("string_to_param");
  WriteParameterDict(writer, word);
  pickle.SetItems();
  return std::move(writer).Finish();
}

absl::Status CheckDialect(const AdapterHeader& header, ForeignFormat format) {
  if (header.dialect == DialectOf(format)) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "--format {}: the adapter has the dialect \"{}\"; the authors' code and mmagic have image "
      "attention at different transformers and mask it differently, so that neither can use a file "
      "of the other",
      format == ForeignFormat::kAuthors ? "authors" : "mmagic", header.dialect));
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> ForeignFiles(const SafetensorsFile& adapter,
                                                                ForeignFormat format,
                                                                const std::string& name) {
  const auto header = ReadAdapterHeader(adapter.metadata());
  if (!header.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {}", adapter.source(), ToStd(header.status().message())));
  }
  RETURN_IF_ERROR(CheckDialect(*header, format));
  const auto view = [&](const std::string& ours, std::string theirs) -> absl::StatusOr<TensorView> {
    const TensorInfo* info = adapter.Find(ours);
    if (info == nullptr) {
      return absl::InvalidArgumentError(
          fmt::format("{}: tensor \"{}\": is missing", adapter.source(), ours));
    }
    return TensorView{std::move(theirs), info->dtype, info->shape, adapter.bytes(*info)};
  };
  std::vector<TensorView> tensors;
  for (const std::string& site : header->sites) {
    for (const auto& [leaf, shape] : AdapterLeaves(1)) {
      const auto key = ForeignKey(format, site, leaf);
      if (!key) {
        return absl::FailedPreconditionError(
            fmt::format("--format: the other program has no name for the transformer \"{}\"",
                        site.substr(0, 100)));
      }
      ASSIGN_OR_RETURN(TensorView tensor,
                       view(fmt::format("{}{}{}", site, kImageAttention, leaf), *key));
      tensors.push_back(std::move(tensor));
    }
  }
  ASSIGN_OR_RETURN(TensorView embedding, view(std::string(kPlaceholderEmbedding),
                                              std::string(kMmagicWord) + header->placeholder));
  std::map<std::string, std::string> files;
  if (format == ForeignFormat::kMmagic) {
    tensors.push_back(std::move(embedding));
    ASSIGN_OR_RETURN(files[name + ".pth"], SerializeStateDict(name, tensors));
    return files;
  }
  const std::string steps = std::to_string(std::max<int64_t>(header->steps, 0));
  const std::string attention_name = "cross_attention-" + steps;
  const std::string word_name = "embeddings_gs-" + steps;
  ASSIGN_OR_RETURN(files[attention_name + ".pt"], SerializeStateDict(attention_name, tensors));
  ASSIGN_OR_RETURN(files[word_name + ".pt"], EmbeddingsFile(word_name, embedding));
  return files;
}

}  // namespace vico::client
