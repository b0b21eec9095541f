#include "server/objects/local_objects.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/failpoint.h"
#include "common/ids.h"
#include "common/status.h"
#include "server/objects/object_key.h"

namespace vico::server {
namespace {

// The path of an object. Its parts are checked here.
struct Place {
  std::string tenant_folder;
  std::string folder;
  std::string file;
  ObjectKey key;
};

absl::StatusOr<Place> PlaceOf(const std::string& root, const std::string& key) {
  Place place;
  ASSIGN_OR_RETURN(place.key, ParseObjectKey(key));
  place.tenant_folder = fmt::format("{}/{}", root, place.key.tenant);
  place.folder = fmt::format("{}/{}", place.tenant_folder, place.key.sha256.substr(0, 2));
  place.file = fmt::format("{}/{}{}{}", place.folder, place.key.sha256,
                           place.key.random.empty() ? "" : ".", place.key.random);
  return place;
}

absl::Status NoObject(std::string_view sha256, const absl::Status& status) {
  if (!absl::IsNotFound(status)) return status;
  return Error(absl::StatusCode::kNotFound, fmt::format("blob {}: is not stored", sha256),
               "BLOB_NOT_FOUND");
}

absl::Status TenantRemoved() {
  return Error(absl::StatusCode::kAborted, "blob: the tenant is deleted", "TENANT_DELETED");
}

class LocalWriter final : public ObjectWriter {
 public:
  LocalWriter(std::string root, std::string tenant, std::string temporary, Files& files,
              std::unique_ptr<WritableFile> file, std::shared_ptr<Removals> removals)
      : root_(std::move(root)),
        tenant_(std::move(tenant)),
        temporary_(std::move(temporary)),
        files_(files),
        file_(std::move(file)),
        removals_(std::move(removals)) {}

  ~LocalWriter() override {
    file_ = nullptr;
    if (!renamed_) files_.Remove(temporary_).IgnoreError();
    const std::lock_guard lock(removals_->incoming_mutex);
    const auto own = removals_->incoming.find(tenant_);
    if (own == removals_->incoming.end()) return;
    own->second.erase(temporary_);
    if (own->second.empty()) removals_->incoming.erase(own);
  }

  absl::Status Append(std::string_view bytes) override {
    appended_bytes_ += bytes.size();
    return file_->Append(VICO_TORN("blob.append", bytes));
  }

  absl::StatusOr<MappedBytes> Map() override {
    absl::StatusOr<MappedBytes> mapped = MapFile(temporary_, 1, "an upload");
    if (mapped.ok()) return mapped;
    if (absl::IsNotFound(mapped.status())) return TenantRemoved();
    return absl::Status(mapped.status().code(), "blob: the upload cannot be read back");
  }

  // A failed sync is never retried: the kernel may have dropped the pages and would report success.
  absl::Status Put(const std::string& key, std::string_view /*sha256*/) override {
    ASSIGN_OR_RETURN(const Place place, PlaceOf(root_, key));
    VICO_FAILPOINT("blob.before_fsync");
    RETURN_IF_ERROR(file_->Sync());
    const std::shared_lock lock(removals_->mutex);
    if (removals_->tenants.contains(tenant_)) return TenantRemoved();
    RETURN_IF_ERROR(CheckSize());
    RETURN_IF_ERROR(files_.MakeFolder(place.tenant_folder));
    RETURN_IF_ERROR(files_.SyncFolder(root_));
    RETURN_IF_ERROR(files_.MakeFolder(place.folder));
    RETURN_IF_ERROR(files_.SyncFolder(place.tenant_folder));
    RETURN_IF_ERROR(files_.Rename(temporary_, place.file));
    renamed_ = true;
    VICO_FAILPOINT("blob.after_rename");
    return files_.SyncFolder(place.folder);
  }

 private:
  /// A write that is lost without an error must not become a blob.
  absl::Status CheckSize() const {
    ASSIGN_OR_RETURN(const uint64_t size, files_.Size(temporary_));
    if (size == appended_bytes_) return absl::OkStatus();
    return absl::UnavailableError(
        fmt::format("blob: the file system kept {} of {} bytes, try again", size, appended_bytes_));
  }

  const std::string root_;
  const std::string tenant_;
  const std::string temporary_;
  uint64_t appended_bytes_ = 0;
  Files& files_;
  std::unique_ptr<WritableFile> file_;
  const std::shared_ptr<Removals> removals_;
  bool renamed_ = false;
};

class LocalReader final : public ObjectReader {
 public:
  LocalReader(std::unique_ptr<ReadableFile> file, uint64_t size_bytes)
      : file_(std::move(file)), size_bytes_(size_bytes) {}

  absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) override {
    if (file_->size_bytes() != size_bytes_) {
      return absl::DataLossError(fmt::format("blob: the file has {} bytes instead of {}",
                                             file_->size_bytes(), size_bytes_));
    }
    return file_->Read(offset, length);
  }

 private:
  const std::unique_ptr<ReadableFile> file_;
  const uint64_t size_bytes_;
};

/// Whether the name is that of a blob of this tenant in quarantine. Names of tenants contain "-".
bool IsQuarantined(std::string_view name, std::string_view tenant) {
  return name.size() == tenant.size() + 1 + 64 && name.starts_with(tenant) &&
         name[tenant.size()] == '-' && IsSha256Hex(name.substr(tenant.size() + 1));
}

std::string Incoming(const std::string& root) { return root + "/.incoming"; }

/// The key of a file in {tenant}/{aa}; empty for another program's file.
std::string KeyOf(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  if (name.size() > 64 && name[64] == '.') name[64] = '/';
  const std::filesystem::path folder = path.parent_path();
  std::string key = fmt::format("{}/{}/{}", folder.parent_path().filename().string(),
                                folder.filename().string(), name);
  return ParseObjectKey(key).ok() ? key : "";
}

}  // namespace

bool IsAboutBytes(const absl::Status& status) {
  if (absl::IsDataLoss(status) || absl::IsNotFound(status)) return true;
  // A disk that cannot read a sector.
  return absl::IsUnavailable(status) && Reason(status).empty();
}

absl::StatusOr<std::string> LocalPathOf(const std::string& key) {
  ASSIGN_OR_RETURN(const Place place, PlaceOf("", key));
  return place.file;
}

absl::StatusOr<std::string> LocationOfFolder(const std::string& root, Files& files) {
  const std::string path = root + "/.id";
  if (const auto there = files.Open(path); there.ok()) {
    ASSIGN_OR_RETURN(const std::string id, (*there)->Read(0, 32));
    if (id.size() == 32) return fmt::format("folder:{}", id);
    RETURN_IF_ERROR(files.Remove(path));  // of a process that was killed
  } else if (!absl::IsNotFound(there.status())) {
    return there.status();
  }
  const std::string id = NewId();
  ASSIGN_OR_RETURN(const auto file, files.Create(path));
  RETURN_IF_ERROR(file->Append(id));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(files.SyncFolder(root));
  return fmt::format("folder:{}", id);
}

absl::StatusOr<std::unique_ptr<LocalObjects>> LocalObjects::Open(std::string root, Files& files) {
  std::error_code error;
  std::filesystem::remove_all(Incoming(root), error);
  if (!error) std::filesystem::create_directories(Incoming(root), error);
  if (error) {
    return absl::FailedPreconditionError(fmt::format("blob folder {}: {}", root, error.message()));
  }
  RETURN_IF_ERROR(files.SyncFolder(root));
  return std::unique_ptr<LocalObjects>(new LocalObjects(std::move(root), files));
}

absl::StatusOr<std::unique_ptr<ObjectWriter>> LocalObjects::Create(std::string_view tenant) {
  RETURN_IF_ERROR(CheckTenantOfBlob(tenant));
  std::string temporary = fmt::format("{}/{}", Incoming(root_), NewId());
  const std::shared_lock lock(removals_->mutex);
  if (removals_->tenants.contains(tenant)) return TenantRemoved();
  ASSIGN_OR_RETURN(auto file, files_.Create(temporary));
  {
    const std::lock_guard incoming(removals_->incoming_mutex);
    removals_->incoming[std::string(tenant)].insert(temporary);
  }
  return std::make_unique<LocalWriter>(root_, std::string(tenant), std::move(temporary), files_,
                                       std::move(file), removals_);
}

absl::StatusOr<std::unique_ptr<ObjectReader>> LocalObjects::Open(const std::string& key,
                                                                 uint64_t size_bytes) {
  ASSIGN_OR_RETURN(const Place place, PlaceOf(root_, key));
  auto file = files_.Open(place.file);
  if (!file.ok()) return NoObject(place.key.sha256, file.status());
  return std::make_unique<LocalReader>(*std::move(file), size_bytes);
}

absl::Status LocalObjects::Look(const std::string& key) {
  ASSIGN_OR_RETURN(const Place place, PlaceOf(root_, key));
  return NoObject(place.key.sha256, files_.Size(place.file).status());
}

absl::Status LocalObjects::Remove(const std::string& key) {
  ASSIGN_OR_RETURN(const Place place, PlaceOf(root_, key));
  const absl::Status status = files_.Remove(place.file);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Status LocalObjects::RemoveTenant(std::string_view tenant) {
  RETURN_IF_ERROR(CheckTenantOfBlob(tenant));
  {
    // Waits for the commits in progress. None can follow, so the files go without the lock, which
    // would keep other tenants waiting.
    const std::unique_lock lock(removals_->mutex);
    removals_->tenants.insert(std::string(tenant));
  }
  std::error_code error;
  {
    const std::lock_guard incoming(removals_->incoming_mutex);
    if (const auto own = removals_->incoming.find(tenant); own != removals_->incoming.end()) {
      // Their writers hold the files open and fail later.
      for (const std::string& path : own->second) std::filesystem::remove(path, error);
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(QuarantineFolder(), error)) {
    if (IsQuarantined(entry.path().filename().string(), tenant)) {
      std::filesystem::remove(entry.path(), error);
    }
  }
  std::filesystem::remove_all(fmt::format("{}/{}", root_, tenant), error);
  if (error) {
    return absl::UnavailableError(
        fmt::format("blobs: the tenant's files could not be removed: {}", error.message()));
  }
  return files_.SyncFolder(root_);
}

absl::Status LocalObjects::List(const std::function<absl::Status(const ObjectInfo&)>& on_object) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (fs::recursive_directory_iterator it(root_, error), end; !error && it != end;
       it.increment(error)) {
    const fs::path& path = it->path();
    if (it.depth() == 0 && !CheckTenantOfBlob(path.filename().string()).ok()) {
      it.disable_recursion_pending();
    }
    if (it.depth() != 2 || !it->is_regular_file(error)) continue;
    const std::string key = KeyOf(path);
    if (!key.empty()) RETURN_IF_ERROR(on_object({key, it->file_size(error), absl::InfinitePast()}));
  }
  if (error) return absl::UnavailableError(fmt::format("blobs: list: {}", error.message()));
  return absl::OkStatus();
}

absl::Status LocalObjects::Quarantine(const std::string& key) {
  ASSIGN_OR_RETURN(const Place place, PlaceOf(root_, key));
  const std::shared_lock lock(removals_->mutex);
  if (removals_->tenants.contains(place.key.tenant)) return absl::OkStatus();
  const std::string quarantine = QuarantineFolder();
  RETURN_IF_ERROR(files_.MakeFolder(quarantine));
  const absl::Status moved = files_.Rename(
      place.file, fmt::format("{}/{}-{}", quarantine, place.key.tenant, place.key.sha256));
  if (absl::IsNotFound(moved)) return absl::OkStatus();
  RETURN_IF_ERROR(moved);
  RETURN_IF_ERROR(files_.SyncFolder(quarantine));
  return files_.SyncFolder(place.folder);
}

}  // namespace vico::server
