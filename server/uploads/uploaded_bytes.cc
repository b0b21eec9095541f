#include "server/uploads/uploaded_bytes.h"

#include "common/status.h"

namespace vico::server {

absl::StatusOr<NormalisedPicture> NormaliseInTurn(Stores& stores, const std::string& tenant,
                                                  std::chrono::steady_clock::time_point deadline,
                                                  std::string_view field,
                                                  const std::string& bytes) {
  ASSIGN_OR_RETURN(const DecodeQueue::Place place, stores.decoding.Enter(tenant, deadline));
  absl::StatusOr<NormalisedPicture> normalised = NormalisePicture(bytes, stores.decoder);
  if (!normalised.ok()) return PictureError(field, normalised.status());
  return normalised;
}

bool IsIntact(Stores& stores, const std::string& tenant, const v1::BlobRef& blob) {
  return CheckBlob(stores.blobs, tenant, blob).ok() &&
         ReadThrough(stores.blobs, tenant, blob.sha256()).ok();
}

}  // namespace vico::server
