#include "tests/support/tiny_base.h"

#include <torch/utils.h>

#include "common/status.h"
#include "toyworld/world/captions.h"
#include "toyworld/world/tokenizer_files.h"
#include "worker/base_model/base_description.h"
#include "worker/base_model/base_model.h"

namespace vico {

using worker::BaseModel;
using worker::BaseNetworks;
using worker::ClipText;
using worker::DefaultDescription;
using worker::UNet;
using worker::Vae;

namespace {

BaseModel TinyModel(const toyworld::TokenizerFiles& tokenizer) {
  BaseModel model;
  model.vocabulary = tokenizer.vocab_json;
  model.merges = tokenizer.merges_txt;
  model.pad_token = "<|endoftext|>";

  model.unet.sample_size = 16;
  model.unet.block_out_channels = {16, 16};
  model.unet.down_attention = {true, true};
  model.unet.up_attention = {true, true};
  model.unet.heads = {2, 2};
  model.unet.layers_per_block = 1;
  model.unet.cross_attention_dim = 16;
  model.unet.norm_num_groups = 4;

  model.vae.block_out_channels = {8, 8, 8};
  model.vae.layers_per_block = 1;
  model.vae.norm_num_groups = 4;

  model.text.vocab_size = tokenizer.size;
  model.text.hidden_size = 16;
  model.text.intermediate_size = 32;
  model.text.num_hidden_layers = 1;
  model.text.num_attention_heads = 2;
  model.text.max_position_embeddings = 32;

  model.description = DefaultDescription("tiny", model.unet, model.vae, model.text);
  model.description.set_display_name("Tiny (random weights)");
  auto& train = *model.description.mutable_training_defaults();
  train.set_steps(8);
  train.set_attention_learning_rate(1e-4);
  auto& generate = *model.description.mutable_generation_defaults();
  generate.set_steps(4);
  generate.set_guidance_scale(3);
  return model;
}

}  // namespace

absl::Status WriteTinyBase(const std::string& directory, uint64_t seed) {
  ASSIGN_OR_RETURN(const auto tokenizer, toyworld::MakeTokenizerFiles(toyworld::KnownWords()));
  const BaseModel model = TinyModel(tokenizer);
  torch::manual_seed(seed);
  BaseNetworks networks;
  networks.text = ClipText(model.text);
  networks.vae = Vae(model.vae);
  networks.unet = UNet(model.unet);
  return WriteBaseModel(directory, model, networks, torch::kFloat16);
}

}  // namespace vico
