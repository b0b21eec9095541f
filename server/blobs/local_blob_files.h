// Blobs as files: {root}/{tenant}/{first two digits}/{digest}. Unfinished uploads are in
// {root}/.incoming. A file gets its final name only after its bytes are durable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "server/blobs/blob_files.h"
#include "server/disk/files.h"

namespace vico::server {

/// Which tenants were removed, and the unfinished uploads of each tenant. The annotations do not
/// cover a shared mutex.
struct Removals {
  // Held shared to create a file or to move it to its final name, exclusively to remove a tenant:
  // commits of different blobs sync the disk in parallel.
  std::shared_mutex mutex;
  // Guarded by `mutex`. The name of a removed tenant is never used again.
  std::set<std::string, std::less<>> tenants;
  // Guarded by `incoming_mutex`, which is taken last: paths by tenant.
  std::mutex incoming_mutex;
  std::map<std::string, std::set<std::string>, std::less<>> incoming;
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

  /// Also removes the tenant's unfinished uploads and what is in quarantine. From now on nothing is
  /// stored for the tenant.
  absl::Status RemoveTenant(std::string_view tenant) override;

  absl::StatusOr<std::vector<File>> List() override;

  /// Moves the file to {root}/../quarantine/{tenant}-{digest}. Does nothing for a removed tenant.
  absl::Status Quarantine(std::string_view tenant, std::string_view sha256) override;

 private:
  std::string QuarantineFolder() const { return root_.substr(0, root_.rfind('/')) + "/quarantine"; }

  LocalBlobFiles(std::string root, Files& files)
      : root_(std::move(root)), files_(files), removals_(std::make_shared<Removals>()) {}

  const std::string root_;
  Files& files_;
  // Shared with the writers.
  const std::shared_ptr<Removals> removals_;
};

}  // namespace vico::server
