// Blobs as files: {root}/{tenant}/{first two digits}/{digest}. Unfinished uploads are in
// {root}/.incoming. A file gets its final name only after its bytes are durable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "server/blobs/blob_files.h"
#include "server/disk/files.h"

namespace vico::server {

/// How often each tenant was removed. A writer that began before the last removal must not commit.
struct Removals {
  // Held shared to move a file to its final name, exclusively to remove a tenant: commits of
  // different blobs sync the disk in parallel.
  std::shared_mutex mutex;
  // By tenant; guarded by `mutex`, which the annotations do not cover.
  std::map<std::string, uint64_t, std::less<>> count;
};

class LocalBlobFiles final : public BlobFiles {
 public:
  /// Creates the folders and removes unfinished uploads of an earlier process. `files` must outlive
  /// the store and its writers.
  static absl::StatusOr<std::unique_ptr<LocalBlobFiles>> Open(std::string root, Files& files);

  absl::StatusOr<std::unique_ptr<BlobWriter>> Create(std::string_view tenant) override;
  absl::StatusOr<std::unique_ptr<BlobReader>> Open(std::string_view tenant,
                                                   std::string_view sha256) override;
  absl::StatusOr<uint64_t> Size(std::string_view tenant, std::string_view sha256) override;
  absl::Status Remove(std::string_view tenant, std::string_view sha256) override;
  absl::Status RemoveTenant(std::string_view tenant) override;
  absl::StatusOr<std::vector<File>> List() override;

  /// Moves the file to {root}/../quarantine/{tenant}-{digest}.
  absl::Status Quarantine(std::string_view tenant, std::string_view sha256) override;

 private:
  LocalBlobFiles(std::string root, Files& files)
      : root_(std::move(root)), files_(files), removals_(std::make_shared<Removals>()) {}

  const std::string root_;
  Files& files_;
  // Shared with the writers.
  const std::shared_ptr<Removals> removals_;
};

}  // namespace vico::server
