// A loaded base model: its frozen networks, tokenizer and noise schedule.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/text/tokenizer.h"
#include "worker/diffusion/schedule.h"
#include "worker/model/clip_text.h"
#include "worker/model/personalized.h"
#include "worker/model/unet.h"
#include "worker/model/vae.h"

namespace vico::worker {

/// Prompts as tensors on the CPU. B prompts, L tokens.
struct EncodedPrompts {
  torch::Tensor ids;         ///< [B, L] int64
  TokenPositions positions;  ///< both the end token's in a prompt without the placeholder
};

/// A copy of the struct shares the weights. The networks are on one device, in evaluation mode and
/// without gradients.
struct Base {
  ClipText text{nullptr};
  Vae vae{nullptr};
  UNet unet{nullptr};
  Schedule schedule;
  Tokenizer tokenizer;
  int threads = 1;  ///< CPU threads of its jobs, on all devices together

  /// The same text encoder and U-Net on the further devices of the worker, for rows of training
  /// steps. They have no autoencoder and no replicas.
  std::vector<Base> replicas = {};

  torch::Device device() const { return unet->parameters()[0].device(); }

  /// The dialect's sites in this U-Net.
  std::vector<int64_t> sites(Dialect dialect = Dialect::kPaper) const {
    return SitesOf(dialect, unet->encoder_and_middle(),
                   static_cast<int64_t>(unet->transformers().size()));
  }

  /// An element of `replicas`, with weights of its own.
  Base ReplicaOn(const torch::Device& device) const;

  EncodedPrompts EncodePrompts(const std::vector<std::string>& prompts,
                               const std::string& placeholder) const;

  /// Text states [B, L, D]; `placeholder` as for ClipText.
  torch::Tensor TextStates(const EncodedPrompts& prompts, const torch::Tensor& placeholder);

  /// picture01 [B, 3, h, w] in 0..1 -> posterior of the latent, scaled. Throws NonFinite.
  Posterior Encode(const torch::Tensor& picture01);

  /// latent [B, C, h, w] scaled -> [B, 3, hf, wf] in 0..1, on the CPU. Throws NonFinite.
  torch::Tensor Decode(const torch::Tensor& latent);
};

}  // namespace vico::worker
