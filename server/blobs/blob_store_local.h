// Blobs as files: {root}/{tenant}/{first two digits}/{digest}; those on their way in are in
// {root}/.incoming. A name is there only when its bytes are, and durably so.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "server/blobs/blob_store.h"
#include "server/disk/files.h"

namespace vico::server {

/// How often each tenant was removed: a writer that began before the newest time comes too late.
struct Removals {
  std::shared_mutex mutex;  // shared: putting a file in its place; alone: removing a tenant
  std::map<std::string, uint64_t, std::less<>> count;  // guarded by mutex
};

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
  absl::Status RemoveTenant(std::string_view tenant) override;

  struct File {
    std::string tenant;
    std::string sha256;
    uint64_t size_bytes = 0;
  };
  /// All blobs that have a file, whatever a database says of them.
  absl::StatusOr<std::vector<File>> List() const;

  /// Moves a damaged blob's file to {root}/../quarantine/{tenant}-{digest}, for someone to look at.
  /// OK when it was not there, too.
  absl::Status SetAside(std::string_view tenant, std::string_view sha256);

 private:
  LocalBlobStore(std::string root, Files& files)
      : root_(std::move(root)), files_(files), removals_(std::make_shared<Removals>()) {}

  const std::string root_;
  Files& files_;
  const std::shared_ptr<Removals> removals_;  // shared with the writers
};

}  // namespace vico::server
