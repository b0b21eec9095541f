// The networks of record_vico.py: Stable Diffusion's structure at reduced width, with weights by
// formula.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/golden/vico_helpers.h"
#include "worker/model/adapter.h"
#include "worker/model/clip_text.h"
#include "worker/model/image_attention.h"
#include "worker/model/unet.h"

namespace vico::golden {

inline worker::ClipTextConfig AuthorsTextConfig() {
  worker::ClipTextConfig config;
  config.vocab_size = 854;
  config.hidden_size = 24;
  config.intermediate_size = 48;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.max_position_embeddings = 16;
  return config;
}

struct AuthorsNetworks {
  AuthorsNetworks() : unet(ReducedUNet()), text(AuthorsTextConfig()) {
    const auto& transformers = unet->transformers();
    const auto sites =
        worker::PaperSites(unet->encoder_and_middle(), static_cast<int64_t>(transformers.size()));
    adapter = worker::Adapter(transformers, sites, AuthorsTextConfig().hidden_size, 0,
                              worker::BlockStart::kDefault);
    auto named = adapter->NamedTensors();
    named.erase("placeholder_embedding");
    for (auto& item : unet->named_parameters()) named.emplace(item.key(), item.value());
    FillByFormula(named);
    named.clear();
    for (auto& item : text->named_parameters()) named.emplace(item.key(), item.value());
    FillByFormula(named);
    for (auto& p : unet->parameters()) p.set_requires_grad(false);
    for (auto& p : text->parameters()) p.set_requires_grad(false);
  }

  worker::UNet unet;
  worker::ClipText text;
  worker::Adapter adapter{nullptr};  ///< its placeholder is zero
};

}  // namespace vico::golden
