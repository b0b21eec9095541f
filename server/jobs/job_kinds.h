// The kinds of jobs, with the names that rows, metrics and traces have for them.
#pragma once

#include <array>
#include <string_view>

#include "vico/v1/job.pb.h"

namespace vico::server {

inline constexpr std::array kJobKinds{v1::JOB_KIND_TRAINING, v1::JOB_KIND_GENERATION,
                                      v1::JOB_KIND_EVALUATION};

/// "training", "generation" or "evaluation"; empty for none of kJobKinds.
std::string_view KindName(v1::JobKind kind);

/// "a training", for messages.
std::string_view KindWithArticle(v1::JobKind kind);

/// The kind of KindName(); unspecified for any other text.
v1::JobKind KindFromName(std::string_view name);

/// A condition that holds for jobs of any kind. With it SQLite uses an index in which the kind
/// comes before the column that a statement needs.
inline constexpr std::string_view kOfAnyKind = "kind IN ('training', 'generation', 'evaluation')";

}  // namespace vico::server
