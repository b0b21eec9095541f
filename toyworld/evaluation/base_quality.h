// How well the bare base draws what held-out captions say.
#pragma once

#include <absl/status/statusor.h>

#include "toyworld/evaluation/session.h"

namespace vico::toyworld {

/// Draws `captions` captions, one picture each, in chunks that are kept. Accuracies over the
/// captions that say the thing, for the base's pictures and for the drawings the captions were
/// written for; by class as well. "frechet" is the distance of the scorer's features to 2,048 other
/// drawings of the same kind, "frechet_floor" that of as many true drawings. Writes base_sheet.png.
absl::StatusOr<Json> MeasureBase(const Session& session, int captions);

}  // namespace vico::toyworld
