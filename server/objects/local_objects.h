// Objects as files: the key {tenant}/{aa}/{sha256}/{random} is the file
// {root}/{tenant}/{aa}/{sha256}.{random}, and an old key without a random part is its own path.
// Unfinished uploads are in {root}/.incoming. A file gets its final name only after its bytes are
// durable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>

#include "server/disk/files.h"
#include "server/objects/object_store.h"

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

class LocalObjects final : public ObjectStore {
 public:
  /// Creates the folders and removes unfinished uploads of an earlier process. `files` must outlive
  /// the store and its writers.
  static absl::StatusOr<std::unique_ptr<LocalObjects>> Open(std::string root, Files& files);

  bool remote() const override { return false; }
  absl::StatusOr<std::unique_ptr<ObjectWriter>> Create(std::string_view tenant) override;
  absl::StatusOr<std::unique_ptr<ObjectReader>> Open(const std::string& key,
                                                     uint64_t size_bytes) override;
  absl::Status Look(const std::string& key) override;
  absl::Status Remove(const std::string& key) override;
  absl::Status RemoveTenant(std::string_view tenant) override;
  absl::Status List(const std::function<absl::Status(const ObjectInfo&)>& on_object) override;

  /// Moves the file to {root}/../quarantine/{tenant}-{digest}. Does nothing for a removed tenant.
  absl::Status Quarantine(const std::string& key) override;

  /// OK: the readiness of the data folder writes a file there.
  absl::Status Probe() override { return absl::OkStatus(); }

  /// OK: the folder is the database's own.
  absl::Status Claim(const std::string& /*installation*/, bool /*first*/) override {
    return absl::OkStatus();
  }

 private:
  std::string QuarantineFolder() const { return root_.substr(0, root_.rfind('/')) + "/quarantine"; }

  LocalObjects(std::string root, Files& files)
      : root_(std::move(root)), files_(files), removals_(std::make_shared<Removals>()) {}

  const std::string root_;
  Files& files_;
  // Shared with the writers.
  const std::shared_ptr<Removals> removals_;
};

/// What a database that is not in the folder itself knows the folder by: "folder:{id}". The id is
/// in a file of the folder, which the first call creates.
absl::StatusOr<std::string> LocationOfFolder(const std::string& root, Files& files);

/// The path of an object's file below the folder of blobs.
absl::StatusOr<std::string> LocalPathOf(const std::string& key);

}  // namespace vico::server
