// The report's two quality figures on the toy world, measured by the scorer.
#pragma once

#include "toyworld/report/report.h"
#include "toyworld/scorer/scorer.h"

namespace vico::toyworld {

/// of_concept: mean cosine of the generated pictures' embeddings to the mean embedding of the
/// concept's. of_prompt: the share of pictures that show the scene which their prompt names.
Fidelity MeasureFidelity(Scorer& scorer, const ReportInput& input);

}  // namespace vico::toyworld
