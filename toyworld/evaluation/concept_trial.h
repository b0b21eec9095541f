// Trains one held-out concept, draws it and measures the fidelity to the concept and to the
// prompts.
#pragma once

#include <optional>

#include <absl/status/statusor.h>

#include "toyworld/evaluation/session.h"

namespace vico::toyworld {

struct TrialOptions {
  int prompts = 8;   ///< of ConceptPrompts()
  int pictures = 4;  ///< for each prompt, with the seeds 1, 2, ...
  int steps = 0;     ///< of a training; 0: the base's or the variant's number
};

/// What the concept is compared with. Mean cosines to the mean embedding of its five pictures: of
/// the bare base with the class word ("bare"), of true drawings in the prompts' scenes ("truth")
/// and of these through the base's autoencoder ("autoencoder"). Also the scorer's result for each
/// picture, and the pictures' files.
absl::StatusOr<Json> MeasureFrame(const Session& session, const HeldOutConcept& shown,
                                  const TrialOptions& options);

/// Trains the variant on the concept, draws its pictures and measures them within `frame`.
/// "fidelity" is 0 for the bare base and 1 for the truth, or null (see ScaledFidelity).
/// "prompt_fidelity" is the share of pictures that show the prompt's scene, relative to the bare
/// base's, or null if that is 0.
absl::StatusOr<Json> MeasureVariant(const Session& session, const HeldOutConcept& shown,
                                    const Variant& variant, const TrialOptions& options,
                                    const Json& frame);

}  // namespace vico::toyworld
