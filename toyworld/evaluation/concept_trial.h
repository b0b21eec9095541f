// One held-out concept, learned and drawn: how like the true thing it is, and whether the prompt
// still counts.
#pragma once

#include <optional>

#include <absl/status/statusor.h>

#include "toyworld/evaluation/session.h"

namespace vico::toyworld {

struct TrialOptions {
  int prompts = 8;   ///< of ConceptPrompts()
  int pictures = 4;  ///< a prompt; their seeds are 1, 2, ...
  int steps = 0;     ///< of a training; 0: as the base and the variant say
};

/// What the concept is measured against: mean cosine to the mean embedding of its five pictures,
/// of the bare base with the class word ("bare"), of true redrawings in the prompts' scenes
/// ("truth") and of these through the base's autoencoder ("autoencoder"); with what the scorer sees
/// in each, and the pictures' files.
absl::StatusOr<Json> MeasureFrame(const Session& session, const HeldOutConcept& shown,
                                  const TrialOptions& options);

/// The variant's training on the concept and its pictures, in the frame's terms. "fidelity" is 0
/// for the bare base and 1 for the truth, or null (see ScaledFidelity); "prompt_fidelity" the share
/// of pictures in the scene asked for, relative to the bare base's, or null if that has none.
absl::StatusOr<Json> MeasureVariant(const Session& session, const HeldOutConcept& shown,
                                    const Variant& variant, const TrialOptions& options,
                                    const Json& frame);

}  // namespace vico::toyworld
