// What the rows of a guided prediction are computed with: adapters, prompts and options. A batch
// may have rows of several jobs. L text tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/personalize/base.h"
#include "worker/personalize/reference_cache.h"

namespace vico::worker {

/// An adapter and the reference picture that its image attention reads.
struct Personalization {
  Adapter adapter{nullptr};
  Dialect dialect = Dialect::kPaper;           ///< the one that the adapter was trained in
  torch::Tensor reference;                     ///< [1, C, h, w] latent, scaled
  std::shared_ptr<ReferenceCache> cache = {};  ///< of its features, on a CPU; null: none
  std::string name = {};  ///< tells it from the others in the cache; its adapter must not change
};

/// A prompt as text states: one half without guidance, two with it, the unconditional one first.
struct GuidedPrompt {
  torch::Tensor text;        ///< [halves, L, D]
  TokenPositions positions;  ///< [halves]
  torch::Tensor ids;         ///< [halves, L] int64, on the CPU

  int64_t halves() const { return text.size(0); }
};

/// Encodes the prompt, with the adapter's embedding for `placeholder`; `personal` is null for the
/// bare base model. A `guidance_scale` of 1 needs no unconditional half, so the negative prompt is
/// not encoded.
GuidedPrompt EncodeGuidedPrompt(Base& base, Personalization* personal, const std::string& prompt,
                                const std::string& negative_prompt, const std::string& placeholder,
                                double guidance_scale);

/// What one latent of a batch is predicted with. Rows of one batch may belong to different jobs.
struct GuidedRow {
  Personalization* personal = nullptr;  ///< null: the bare base model
  const GuidedPrompt* prompt = nullptr;
  double guidance_scale = 7.5;  ///< of a prompt with two halves
  KeyMask mask = KeyMask::kOtsu;
  double strength = 1;  ///< of the image attention; 0: only the learned word acts
  double timestep = 0;

  /// Whether it attends to a reference.
  bool looks() const { return personal != nullptr && strength != 0; }
  Look look() const;
};

/// A row of the U-Net: one half of one picture's guidance.
struct HalfRow {
  const GuidedRow* row = nullptr;
  int64_t half = 0;  ///< index into its prompt's halves
};

/// The inputs of the U-Net and of its text attention for the halves, B of them, on the device:
/// [B, L, D], [B] and [B].
struct HalfInputs {
  torch::Tensor text, timestep;
  TokenPositions positions;
};
HalfInputs InputsOf(const std::vector<HalfRow>& halves, const torch::Device& device);

}  // namespace vico::worker
