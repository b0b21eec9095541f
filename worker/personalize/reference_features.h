// What rows of a guided prediction read of their references. Rows with the same adapter, prompt and
// timestep read the same.
#pragma once

#include <vector>

#include "worker/personalize/guided_row.h"
#include "worker/personalize/row_parts.h"

namespace vico::worker {

/// The features of one half's reference: one row for each site, without the end token's map, which
/// only training reads.
using HalfFeatures = std::vector<SiteFeatures>;

/// Those of each half; the rows of all of them attend to a reference. References of adapters with
/// the same sites share a pass through the U-Net, unless the adapters have a cache: then each half
/// has a pass of its own, so that its bits do not depend on what else is in the cache.
std::vector<HalfFeatures> ReferenceFeatures(Base& base, const RowParts& parts,
                                            const std::vector<HalfRow>& halves);

/// The features of several halves as one batch.
std::vector<SiteFeatures> Joined(const std::vector<HalfFeatures>& halves);

}  // namespace vico::worker
