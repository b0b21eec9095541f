#include "server/blobs/local_blob_files.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/ids.h"
#include "common/sha256.h"
#include "common/status.h"

namespace vico::server {
namespace {

bool IsTenant(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

absl::Status CheckTenant(std::string_view tenant) {
  if (IsTenant(tenant)) return absl::OkStatus();
  return FieldError("tenant", "must be 1 to 63 characters of a-z, 0-9, _ and -");
}

// The path of a blob. Its parts are checked here.
struct Place {
  std::string tenant_folder;
  std::string folder;
  std::string file;
};

absl::StatusOr<Place> PlaceOf(const std::string& root, std::string_view tenant,
                              std::string_view sha256) {
  RETURN_IF_ERROR(CheckTenant(tenant));
  if (!IsSha256Hex(sha256)) {
    return FieldError("sha256", "must be 64 lower-case hexadecimal digits");
  }
  Place place;
  place.tenant_folder = fmt::format("{}/{}", root, tenant);
  place.folder = fmt::format("{}/{}", place.tenant_folder, sha256.substr(0, 2));
  place.file = fmt::format("{}/{}", place.folder, sha256);
  return place;
}

absl::Status NoBlob(std::string_view sha256, const absl::Status& status) {
  if (!absl::IsNotFound(status)) return status;
  return Error(absl::StatusCode::kNotFound, fmt::format("blob {}: is not stored", sha256),
               "BLOB_NOT_FOUND");
}

absl::Status TenantRemoved() {
  return Error(absl::StatusCode::kAborted, "blob: the tenant is deleted", "TENANT_DELETED");
}

class LocalBlobWriter final : public BlobWriter {
 public:
  LocalBlobWriter(std::string root, std::string tenant, std::string temporary, Files& files,
                  std::unique_ptr<WritableFile> file, std::shared_ptr<Removals> removals)
      : root_(std::move(root)),
        tenant_(std::move(tenant)),
        temporary_(std::move(temporary)),
        files_(files),
        file_(std::move(file)),
        removals_(std::move(removals)) {}

  ~LocalBlobWriter() override { Discard(); }

  absl::Status Append(std::string_view bytes) override {
    if (file_ == nullptr) return absl::FailedPreconditionError("blob: the upload has ended");
    if (absl::Status status = file_->Append(VICO_TORN("blob.append", bytes)); !status.ok()) {
      Discard();
      return status;
    }
    hash_.Update(bytes);
    size_bytes_ += bytes.size();
    return absl::OkStatus();
  }

  absl::StatusOr<MappedBytes> Map() override {
    if (file_ == nullptr) return absl::FailedPreconditionError("blob: the upload has ended");
    absl::StatusOr<MappedBytes> mapped = MapFile(temporary_, 1, "an upload");
    if (mapped.ok()) return mapped;
    if (absl::IsNotFound(mapped.status())) return TenantRemoved();
    return absl::Status(mapped.status().code(), "blob: the upload cannot be read back");
  }

  absl::StatusOr<v1::BlobRef> Commit(std::string_view expected_sha256,
                                     std::string_view media_type) override {
    if (file_ == nullptr) return absl::FailedPreconditionError("blob: the upload has ended");
    const std::string sha256 = hash_.HexDigest();
    absl::Status status = absl::OkStatus();
    if (!expected_sha256.empty() && expected_sha256 != sha256) {
      status = Error(absl::StatusCode::kDataLoss,
                     fmt::format("blob: the {} bytes have digest {}, not {}", size_bytes_, sha256,
                                 expected_sha256),
                     "DIGEST_MISMATCH");
    } else {
      status = MakeDurable(sha256);
    }
    Discard();
    RETURN_IF_ERROR(status);
    v1::BlobRef ref;
    ref.set_sha256(sha256);
    ref.set_size_bytes(size_bytes_);
    ref.set_media_type(std::string(media_type));
    return ref;
  }

 private:
  // A failed sync is never retried: the kernel may have dropped the pages and would report success.
  absl::Status MakeDurable(const std::string& sha256) {
    ASSIGN_OR_RETURN(const Place place, PlaceOf(root_, tenant_, sha256));
    VICO_FAILPOINT("blob.before_fsync");
    RETURN_IF_ERROR(file_->Sync());
    const std::shared_lock lock(removals_->mutex);
    if (removals_->tenants.contains(tenant_)) return TenantRemoved();
    RETURN_IF_ERROR(files_.MakeFolder(place.tenant_folder));
    RETURN_IF_ERROR(files_.SyncFolder(root_));
    RETURN_IF_ERROR(files_.MakeFolder(place.folder));
    RETURN_IF_ERROR(files_.SyncFolder(place.tenant_folder));
    // If the same bytes are stored already, replacing them changes nothing.
    RETURN_IF_ERROR(files_.Rename(temporary_, place.file));
    renamed_ = true;
    VICO_FAILPOINT("blob.after_rename");
    return files_.SyncFolder(place.folder);
  }

  void Discard() {
    if (file_ == nullptr) return;
    file_ = nullptr;
    if (!renamed_) files_.Remove(temporary_).IgnoreError();
    const std::lock_guard lock(removals_->incoming_mutex);
    if (const auto own = removals_->incoming.find(tenant_); own != removals_->incoming.end()) {
      own->second.erase(temporary_);
      if (own->second.empty()) removals_->incoming.erase(own);
    }
  }

  const std::string root_;
  const std::string tenant_;
  const std::string temporary_;
  Files& files_;
  // Null after Commit or an error.
  std::unique_ptr<WritableFile> file_;
  const std::shared_ptr<Removals> removals_;
  Sha256 hash_;
  uint64_t size_bytes_ = 0;
  bool renamed_ = false;
};

class LocalBlobReader final : public BlobReader {
 public:
  explicit LocalBlobReader(std::unique_ptr<ReadableFile> file) : file_(std::move(file)) {}
  uint64_t size_bytes() const override { return file_->size_bytes(); }
  absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) override {
    return file_->Read(offset, length);
  }

 private:
  const std::unique_ptr<ReadableFile> file_;
};

/// Whether the name is that of a blob of this tenant in quarantine. Names of tenants contain "-".
bool IsQuarantined(std::string_view name, std::string_view tenant) {
  return name.size() == tenant.size() + 1 + 64 && name.starts_with(tenant) &&
         name[tenant.size()] == '-' && IsSha256Hex(name.substr(tenant.size() + 1));
}

std::string Incoming(const std::string& root) { return root + "/.incoming"; }

}  // namespace

absl::StatusOr<std::unique_ptr<LocalBlobFiles>> LocalBlobFiles::Open(std::string root,
                                                                     Files& files) {
  std::error_code error;
  std::filesystem::remove_all(Incoming(root), error);
  if (!error) std::filesystem::create_directories(Incoming(root), error);
  if (error) {
    return absl::FailedPreconditionError(fmt::format("blob folder {}: {}", root, error.message()));
  }
  RETURN_IF_ERROR(files.SyncFolder(root));
  return std::unique_ptr<LocalBlobFiles>(new LocalBlobFiles(std::move(root), files));
}

absl::StatusOr<std::unique_ptr<BlobWriter>> LocalBlobFiles::Create(std::string_view tenant) {
  RETURN_IF_ERROR(CheckTenant(tenant));
  std::string temporary = fmt::format("{}/{}", Incoming(root_), NewId());
  const std::shared_lock lock(removals_->mutex);
  if (removals_->tenants.contains(tenant)) return TenantRemoved();
  ASSIGN_OR_RETURN(auto file, files_.Create(temporary));
  {
    const std::lock_guard incoming(removals_->incoming_mutex);
    removals_->incoming[std::string(tenant)].insert(temporary);
  }
  return std::make_unique<LocalBlobWriter>(root_, std::string(tenant), std::move(temporary), files_,
                                           std::move(file), removals_);
}

absl::StatusOr<std::unique_ptr<BlobReader>> LocalBlobFiles::Open(std::string_view tenant,
                                                                 std::string_view sha256) {
  ASSIGN_OR_RETURN(const Place place, PlaceOf(root_, tenant, sha256));
  auto file = files_.Open(place.file);
  if (!file.ok()) return NoBlob(sha256, file.status());
  return std::make_unique<LocalBlobReader>(*std::move(file));
}

absl::StatusOr<uint64_t> LocalBlobFiles::Size(std::string_view tenant, std::string_view sha256) {
  ASSIGN_OR_RETURN(const Place place, PlaceOf(root_, tenant, sha256));
  const auto size = files_.Size(place.file);
  if (!size.ok()) return NoBlob(sha256, size.status());
  return *size;
}

absl::Status LocalBlobFiles::Remove(std::string_view tenant, std::string_view sha256) {
  ASSIGN_OR_RETURN(const Place place, PlaceOf(root_, tenant, sha256));
  const absl::Status status = files_.Remove(place.file);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Status LocalBlobFiles::RemoveTenant(std::string_view tenant) {
  RETURN_IF_ERROR(CheckTenant(tenant));
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

absl::StatusOr<std::vector<BlobFiles::File>> LocalBlobFiles::List() {
  namespace fs = std::filesystem;
  std::vector<File> all;
  std::error_code error;
  for (fs::recursive_directory_iterator it(root_, error), end; !error && it != end;
       it.increment(error)) {
    const fs::path& path = it->path();
    if (it.depth() == 0 && !IsTenant(path.filename().string())) it.disable_recursion_pending();
    if (it.depth() != 2 || !it->is_regular_file(error)) continue;
    const std::string name = path.filename().string();
    if (!IsSha256Hex(name)) continue;
    all.push_back(
        {path.parent_path().parent_path().filename().string(), name, it->file_size(error)});
  }
  if (error) return absl::UnavailableError(fmt::format("blobs: list: {}", error.message()));
  return all;
}

absl::Status LocalBlobFiles::Quarantine(std::string_view tenant, std::string_view sha256) {
  ASSIGN_OR_RETURN(const Place place, PlaceOf(root_, tenant, sha256));
  const std::shared_lock lock(removals_->mutex);
  if (removals_->tenants.contains(tenant)) return absl::OkStatus();
  const std::string quarantine = QuarantineFolder();
  RETURN_IF_ERROR(files_.MakeFolder(quarantine));
  const absl::Status moved =
      files_.Rename(place.file, fmt::format("{}/{}-{}", quarantine, tenant, sha256));
  if (absl::IsNotFound(moved)) return absl::OkStatus();
  RETURN_IF_ERROR(moved);
  RETURN_IF_ERROR(files_.SyncFolder(quarantine));
  return files_.SyncFolder(place.folder);
}

}  // namespace vico::server
