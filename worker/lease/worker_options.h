// Options of the worker's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <absl/time/time.h>

#include "common/tracing/span.h"

namespace vico::worker {

struct WorkerOptions {
  std::string name;                               ///< unique among the server's workers
  std::string build_version;                      ///< also in the metadata of pictures
  absl::Duration lease_wait = absl::Seconds(20);  ///< timeout of a long poll
  absl::Duration hang = absl::Seconds(120);       ///< time without a step after which a job is lost
  std::function<void()> on_hang = {};             ///< called when a job hangs
  std::function<void()> on_registered = {};       ///< called after every registration
  uint64_t jitter_seed = 0;
  SpanSink* spans = nullptr;  ///< receives the spans of jobs; may be null
  /// The most generations at once, 1 or more, if the engine takes as many. More than 1: a training
  /// or an evaluation runs beside them. 1: one job at a time.
  int batch_jobs = 4;
};

}  // namespace vico::worker
