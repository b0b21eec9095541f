// The stored pictures that a generation starts from.
#pragma once

#include "vico/v1/job.pb.h"

namespace vico::server {

/// Found when the job is created, and kept until it is deleted, whatever happens to the concept,
/// job or adapter that they are of, or to an uploaded picture. Without a digest: none.
struct JobPictures {
  v1::BlobRef init;  ///< of GenerateSpec.init_picture
  v1::BlobRef mask;  ///< of GenerateSpec.mask_picture
};

}  // namespace vico::server
