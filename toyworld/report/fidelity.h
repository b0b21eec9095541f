// The two figures of quality that a report has on the toy world, as the scorer sees the pictures.
#pragma once

#include "toyworld/report/report.h"
#include "toyworld/scorer/scorer.h"

namespace vico::toyworld {

/// of_concept: mean cosine of the generated pictures' embeddings to the mean embedding of the
/// concept's. of_prompt: over the pictures whose prompt names a scene, the share that show it.
Fidelity MeasureFidelity(Scorer& scorer, const ReportInput& input);

}  // namespace vico::toyworld
