// Which jobs a list, a watch or a bulk change is about.
#pragma once

#include <string>
#include <vector>

#include <absl/time/time.h>

#include "vico/v1/job.pb.h"

namespace vico::server {

/// A job must match every field.
struct JobFilter {
  std::vector<v1::JobKind> kinds{};    ///< empty: any
  std::vector<v1::JobState> states{};  ///< empty: any
  std::string concept_name{};          ///< "concepts/{id}" of a training; empty: any
  std::string adapter{};  ///< "adapters/{id}" that a generation uses or a training made; empty: any
  absl::Time created_after = absl::InfinitePast();     ///< at this time or later
  absl::Time created_before = absl::InfiniteFuture();  ///< before this time
};

}  // namespace vico::server
