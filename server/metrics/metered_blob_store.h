// A blob store that counts the bytes written to it and read from it.
#pragma once

#include <memory>
#include <string_view>

#include "server/blobs/blob_store.h"
#include "server/metrics/metrics.h"

namespace vico::server {

/// Any thread. The references must outlive it, its writers and its readers.
class MeteredBlobStore final : public BlobStore {
 public:
  MeteredBlobStore(BlobStore& blobs, Metrics& metrics) : blobs_(blobs), metrics_(metrics) {}

  absl::StatusOr<std::unique_ptr<BlobWriter>> Create(std::string_view tenant) override;
  absl::StatusOr<std::unique_ptr<BlobReader>> Open(std::string_view tenant,
                                                   std::string_view sha256) override;
  absl::StatusOr<uint64_t> Size(std::string_view tenant, std::string_view sha256) override;
  absl::Status Remove(std::string_view tenant, std::string_view sha256) override;
  absl::Status RemoveTenant(std::string_view tenant) override;

 private:
  BlobStore& blobs_;
  Metrics& metrics_;
};

}  // namespace vico::server
