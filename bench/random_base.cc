#include "bench/random_base.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/utils.h>

#include "common/status.h"
#include "worker/base_model/base_model.h"

namespace vico::bench {
namespace {

using worker::Base;
using worker::ClipText;
using worker::ClipTextConfig;
using worker::UNet;
using worker::UNetConfig;
using worker::Vae;
using worker::VaeConfig;

struct Sizes {
  ClipTextConfig text;
  VaeConfig vae;
  UNetConfig unet;
};

// bench/speed_common.py has the same numbers for the references.
Sizes SizesOf(const RandomBaseOptions& options) {
  Sizes sizes;
  if (options.small) {
    sizes.text.hidden_size = sizes.unet.cross_attention_dim = 64;
    sizes.text.intermediate_size = 256;
    sizes.text.num_hidden_layers = 2;
    sizes.text.num_attention_heads = 4;
    sizes.vae.block_out_channels = {32, 32, 64, 64};
    sizes.unet.block_out_channels = {32, 64, 64, 64};
  }
  if (!options.needs_unet) sizes.unet.block_out_channels = {32, 32, 32, 32};
  if (!options.needs_vae) sizes.vae.block_out_channels = {32, 32, 32, 32};
  return sizes;
}

absl::StatusOr<Tokenizer> WideTokenizer(const std::string& directory, int64_t entries) {
  ASSIGN_OR_RETURN(const auto model, worker::OpenBaseModel(directory));
  auto vocabulary = nlohmann::json::parse(model.vocabulary);
  for (auto id = static_cast<int64_t>(vocabulary.size()); id < entries; ++id) {
    vocabulary[fmt::format("<|unused {}|>", id)] = id;
  }
  return Tokenizer::Create(vocabulary.dump(), model.merges, model.pad_token);
}

template <class Network>
Network Frozen(Network network) {
  network->eval();
  for (auto& parameter : network->parameters()) parameter.requires_grad_(false);
  return network;
}

}  // namespace

absl::StatusOr<Base> MakeRandomBase(const RandomBaseOptions& options) {
  const Sizes sizes = SizesOf(options);
  ASSIGN_OR_RETURN(Tokenizer tokenizer, WideTokenizer(options.tokenizer_of, sizes.text.vocab_size));
  torch::manual_seed(1);
  return Base{.text = Frozen(ClipText(sizes.text)),
              .vae = Frozen(Vae(sizes.vae)),
              .unet = Frozen(UNet(sizes.unet)),
              .schedule = worker::Schedule(worker::ScheduleConfig{}),
              .tokenizer = std::move(tokenizer),
              .threads = options.threads};
}

Base CopyOn(const torch::Device& device, torch::ScalarType dtype, const Base& base) {
  Base copy = base.ReplicaOn(device);
  copy.vae = Frozen(Vae(base.vae->config()));
  const auto from = base.vae->parameters();
  auto to = copy.vae->parameters();
  for (size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
  copy.vae->to(device, dtype);
  copy.unet->to(dtype);
  return copy;
}

}  // namespace vico::bench
