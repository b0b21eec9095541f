// The adapter of a leased job, which is downloaded when the engine asks for it.
#pragma once

#include <utility>

#include "common/status.h"
#include "worker/engine/engine.h"
#include "worker/job/job_context.h"

namespace vico::worker {

/// Keeps references to both.
inline AdapterSource SourceOf(const v1::Adapter& adapter, JobContext& context) {
  return {.adapter = adapter, .fetch = [&]() -> absl::StatusOr<AdapterBytes> {
            AdapterBytes bytes;
            ASSIGN_OR_RETURN(bytes.safetensors, context.Get(adapter.blob()));
            ASSIGN_OR_RETURN(bytes.reference, context.Get(adapter.reference()));
            return bytes;
          }};
}

}  // namespace vico::worker
