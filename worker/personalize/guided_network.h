// The network that a scheduler calls: it predicts the noise in latents, with adapters and with
// classifier-free guidance. Source: ViCo, arXiv:2306.00971; the authors'
// DDIMSampler.p_sample_ddim. N rows (pictures), L text tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/personalize/base.h"
#include "worker/personalize/reference_cache.h"
#include "worker/personalize/row_parts.h"

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
};

/// A row's prediction does not depend on the other rows: with mmagic's dialect, whose U-Net call
/// mixes the maps of a call's pictures, each row is a call with one picture.
///
/// Rows with the same adapter, mask and strength share a pass through the U-Net. Rows that also
/// share prompt and timestep share the features of the reference, which strength 0 does not need.
///
/// Should live as long as the denoising loop, see RowParts. `base` must outlive it.
class GuidedNetwork {
 public:
  /// For batches that make at most `most_rows` rows of the U-Net: halves times pictures.
  GuidedNetwork(Base& base, int64_t most_rows);

  /// latent [N, C, h, w], rows N -> the prediction [N, C, h, w] in fp32. Throws c10::Error.
  torch::Tensor operator()(const torch::Tensor& latent, std::span<const GuidedRow> rows);

 private:
  // One row of the U-Net: one half of one picture's guidance.
  struct HalfRow {
    int64_t row = 0;       // index into `rows`
    int64_t half = 0;      // index into its prompt's halves
    int64_t features = 0;  // index of its reference among those of the pass
  };

  void PredictGroup(const torch::Tensor& latent, std::span<const GuidedRow> rows,
                    const std::vector<int64_t>& group, std::vector<torch::Tensor>& predicted);
  torch::Tensor RunHalves(const torch::Tensor& latent, std::span<const GuidedRow> rows,
                          std::vector<HalfRow> halves);
  std::vector<SiteFeatures> References(std::span<const GuidedRow> rows, const Look& look,
                                       std::vector<HalfRow>& halves);
  std::vector<SiteFeatures> ReadReference(std::span<const GuidedRow> rows, const Look& look,
                                          const std::vector<HalfRow>& halves);
  std::vector<SiteFeatures> CachedReferences(std::span<const GuidedRow> rows, const Look& look,
                                             const std::vector<HalfRow>& halves);
  torch::Tensor Times(std::span<const GuidedRow> rows, const std::vector<HalfRow>& halves) const;

  Base& base_;
  RowParts parts_;
};

}  // namespace vico::worker
