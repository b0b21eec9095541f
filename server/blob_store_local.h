// Blobs as files: {root}/{tenant}/{first two digits}/{digest}; those on their way in are in
// {root}/.incoming. A name is there only when its bytes are, and durably so.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>

#include "server/blob_store.h"
#include "server/files.h"

namespace vico {

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

 private:
  LocalBlobStore(std::string root, Files& files)
      : root_(std::move(root)), files_(files), removals_(std::make_shared<Removals>()) {}

  const std::string root_;
  Files& files_;
  const std::shared_ptr<Removals> removals_;  // shared with the writers
};

}  // namespace vico
