// The blobs that a job needs, with what each is to the client who can bring it again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "server/blobs/blob_store.h"
#include "server/jobs/catalog.h"
#include "server/jobs/job_pictures.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

struct InputBlob {
  v1::BlobRef blob;
  std::string what;         ///< as for NameLost: "concepts/1f, pictures[2]"
  std::string_view repair;  ///< as for NameLost
  bool optional = false;    ///< a checkpoint: without it the job begins earlier
};

/// Sets the spec, and what it needs: the pictures of the concept, the adapter, or both. Pictures
/// that a generation starts from are for SetPictures().
absl::Status FillInputs(Catalog& catalog, std::string_view tenant, const v1::JobSpec& spec,
                        v1::LeasedJob& job);

/// Sets the pictures that a generation starts from.
void SetPictures(const JobPictures& pictures, v1::LeasedJob& job);

std::vector<InputBlob> InputBlobsOf(const v1::LeasedJob& job);

/// OK when all blobs that the job cannot do without are stored; otherwise kDataLoss, reason
/// BLOB_LOST, naming the first that is not.
absl::Status CheckInputBlobs(BlobStore& blobs, std::string_view tenant, const v1::LeasedJob& job);

}  // namespace vico::server
