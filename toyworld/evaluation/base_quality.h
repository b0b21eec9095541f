// Measures how well the bare base model draws held-out captions.
#pragma once

#include <absl/status/statusor.h>

#include "toyworld/evaluation/session.h"

namespace vico::toyworld {

/// Draws one picture for each of `captions` captions, in chunks that are stored. Returns accuracies
/// of what the captions state, in total and by class, for the base's pictures and for the drawings
/// that the captions describe. "frechet" is the distance of the scorer's features to 2,048 other
/// drawings of the same kind, "frechet_floor" the distance between two sets of drawings. Writes
/// base_sheet.png.
absl::StatusOr<Json> MeasureBase(const Session& session, int captions);

}  // namespace vico::toyworld
