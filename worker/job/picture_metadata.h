// What the file of a picture says about how it was made: texts of the PNG. They depend on the job's
// spec, its inputs and the program only, so that the same spec makes the same bytes in any attempt.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "vico/v1/worker.pb.h"
#include "worker/engine/engine.h"

namespace vico::worker {

/// A finished picture of a generation, with two texts: "parameters", the
/// line that AUTOMATIC1111's web UI writes and many programs read, and "vico", a JSON object
/// (docs/picture-metadata.md). kInternal if `png` is not a PNG.
absl::StatusOr<std::string> WithGenerationMetadata(std::string_view png, const v1::LeasedJob& job,
                                                   int index, std::string_view version);

/// A sample of a training, with the text "vico". kInternal if it is not a PNG.
absl::StatusOr<std::string> WithSampleMetadata(const TrainingSample& sample,
                                               const v1::LeasedJob& job, std::string_view version);

}  // namespace vico::worker
