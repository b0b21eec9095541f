// Blobs as files: {root}/{tenant}/{first two digits}/{digest}; those on their way in are in
// {root}/.incoming. A name is there only when its bytes are, and durably so.
#pragma once

#include <memory>
#include <string>

#include "server/blob_store.h"
#include "server/files.h"

namespace vico {

class LocalBlobStore final : public BlobStore {
 public:
  /// Makes the folders and clears away what an earlier server left half written. `files` must
  /// outlive the store and its writers.
  static absl::StatusOr<std::unique_ptr<LocalBlobStore>> Open(std::string root, Files& files);

  absl::StatusOr<std::unique_ptr<BlobWriter>> Create(std::string_view tenant) override;
  absl::StatusOr<std::unique_ptr<BlobReader>> Open(std::string_view tenant,
                                                   std::string_view sha256) override;
  absl::StatusOr<uint64_t> Size(std::string_view tenant, std::string_view sha256) override;
  absl::Status Remove(std::string_view tenant, std::string_view sha256) override;

 private:
  LocalBlobStore(std::string root, Files& files) : root_(std::move(root)), files_(files) {}

  const std::string root_;
  Files& files_;
};

}  // namespace vico
