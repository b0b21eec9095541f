#include "server/storage/backup.h"

#include <filesystem>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/disk/clone_file.h"
#include "server/objects/local_objects.h"
#include "server/sql/sqlite_connection.h"

namespace vico::server {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kChunk = uint64_t{1} << 20;
constexpr char kDatabase[] = "/vico.db";
constexpr char kBlobs[] = "/blobs";
constexpr char kMark[] = "/backup.json";

absl::Status Unsuitable(const std::string& path, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format("{}: {}", path, why));
}

/// Creates a folder for its owner only, or accepts an empty one.
absl::Status MakeEmpty(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return Unsuitable(path, error.message());
  if (!fs::is_empty(path, error) || error) return Unsuitable(path, "is not empty");
  return absl::OkStatus();
}

/// Reads a file to its end; with `to`, copies it there, durably. Returns its digest.
absl::StatusOr<std::string> ReadThrough(Files& files, const std::string& from,
                                        const std::string& to = "") {
  ASSIGN_OR_RETURN(const auto reader, files.Open(from));
  std::unique_ptr<WritableFile> writer;
  if (!to.empty()) {
    ASSIGN_OR_RETURN(writer, files.Create(to));
  }
  Sha256 hash;
  for (uint64_t offset = 0; offset < reader->size_bytes();) {
    ASSIGN_OR_RETURN(const std::string chunk, reader->Read(offset, kChunk));
    hash.Update(chunk);
    offset += chunk.size();
    if (writer != nullptr) RETURN_IF_ERROR(writer->Append(chunk));
  }
  if (writer != nullptr) RETURN_IF_ERROR(writer->Sync());
  return hash.HexDigest();
}

absl::Status CheckDatabase(SqlSession& db, const std::string& path) {
  std::string found;
  RETURN_IF_ERROR(db.Query("PRAGMA integrity_check(1)", {}, [&](const SqlRow& row) {
    found = row.Text(0);
    return absl::OkStatus();
  }));
  if (found != "ok") return absl::DataLossError(fmt::format("{}: is damaged: {}", path, found));
  ASSIGN_OR_RETURN(const int64_t has_blobs,
                   db.QueryInt("SELECT count(*) FROM sqlite_master WHERE name = 'blob'", {}, 0));
  if (has_blobs != 0) return absl::OkStatus();
  return Unsuitable(path, "has an older schema; start its server once, which migrates it");
}

/// A backup is copied as it is, also one of a schema before 12, which has no keys of objects.
absl::StatusOr<std::string> KeyColumn(SqlSession& db) {
  ASSIGN_OR_RETURN(
      const int64_t keys,
      db.QueryInt("SELECT count(*) FROM pragma_table_info('blob') WHERE name = 'object_key'", {},
                  0));
  return std::string(keys == 0 ? "tenant || '/' || substr(sha256, 1, 2) || '/' || sha256"
                               : "object_key");
}

/// Whether the blobs are in a bucket. A schema before 9 has no such table.
absl::StatusOr<bool> IsInBucket(SqlSession& db) {
  ASSIGN_OR_RETURN(const int64_t has_table,
                   db.QueryInt("SELECT count(*) FROM sqlite_master WHERE name = 'secret'", {}, 0));
  if (has_table == 0) return false;
  ASSIGN_OR_RETURN(const int64_t bucket,
                   db.QueryInt("SELECT count(*) FROM secret WHERE name = 'blobs'", {}, 0));
  return bucket > 0;
}

absl::StatusOr<std::vector<BlobRow>> LiveBlobs(SqlSession& db) {
  std::vector<BlobRow> blobs;
  ASSIGN_OR_RETURN(const std::string key, KeyColumn(db));
  RETURN_IF_ERROR(
      db.Query(fmt::format("SELECT tenant, sha256, size_bytes, {} FROM blob WHERE state = 'live' "
                           "ORDER BY tenant, sha256",
                           key),
               {}, [&](const SqlRow& row) {
                 blobs.push_back({row.Text(0), row.Text(1), static_cast<uint64_t>(row.Int(2)),
                                  absl::Time(), row.Text(3)});
                 return absl::OkStatus();
               }));
  return blobs;
}

std::string FolderOf(const std::string& root, const BlobRow& blob) {
  return fmt::format("{}{}/{}/{}", root, kBlobs, blob.tenant, blob.sha256.substr(0, 2));
}

/// Copies or links all blobs of `db` from one root to another and checks each digest there.
class BlobCopier {
 public:
  BlobCopier(Files& files, std::string from, std::string to, BackupWay way)
      : files_(files), from_(std::move(from)), to_(std::move(to)), way_(way) {}

  absl::StatusOr<BackupSummary> CopyAll(SqlSession& db) {
    // A bucket has its own backup.
    ASSIGN_OR_RETURN(const bool in_bucket, IsInBucket(db));
    if (in_bucket) return summary_;
    ASSIGN_OR_RETURN(const std::vector<BlobRow> without_row, LostBlobs(db));
    for (const BlobRow& blob : without_row) RETURN_IF_ERROR(Leave(db, blob, false));
    RETURN_IF_ERROR(files_.MakeFolder(to_ + kBlobs));
    ASSIGN_OR_RETURN(const std::vector<BlobRow> blobs, LiveBlobs(db));
    for (const BlobRow& blob : blobs) {
      const absl::Status copied = CopyOne(blob);
      if (absl::IsNotFound(copied) || absl::IsDataLoss(copied)) {
        RETURN_IF_ERROR(Leave(db, blob, absl::IsDataLoss(copied)));
        continue;
      }
      RETURN_IF_ERROR(copied);
      ++summary_.blobs;
      summary_.bytes += blob.size_bytes;
    }
    RETURN_IF_ERROR(files_.SyncFolder(to_ + kBlobs));
    return summary_;
  }

 private:
  /// kNotFound for a missing blob and kDataLoss for a damaged one; the target has no file then.
  absl::Status CopyOne(const BlobRow& blob) {
    ASSIGN_OR_RETURN(const std::string path, LocalPathOf(blob.object_key));
    const std::string source = fmt::format("{}{}{}", from_, kBlobs, path);
    RETURN_IF_ERROR(files_.Size(source).status());
    const std::string folder = FolderOf(to_, blob);
    RETURN_IF_ERROR(files_.MakeFolder(fmt::format("{}{}/{}", to_, kBlobs, blob.tenant)));
    RETURN_IF_ERROR(files_.SyncFolder(to_ + kBlobs));
    RETURN_IF_ERROR(files_.MakeFolder(folder));
    RETURN_IF_ERROR(files_.SyncFolder(fmt::format("{}{}/{}", to_, kBlobs, blob.tenant)));
    const std::string target = fmt::format("{}{}{}", to_, kBlobs, path);
    const bool linked = way_ == BackupWay::kLink && Link(source, target);
    const absl::Status put = linked ? absl::OkStatus() : Copy(source, target);
    const auto digest = put.ok() ? ReadThrough(files_, target) : put;
    // What cannot be read is damaged; any other failure is the target's. A link or a clone has the
    // blocks of its source, so that its first read fails.
    if (absl::IsUnavailable(digest.status()) && !ReadThrough(files_, source).ok()) {
      files_.Remove(target).IgnoreError();
      return absl::DataLossError("cannot be read");
    }
    if (!digest.ok() || *digest != blob.sha256) {
      files_.Remove(target).IgnoreError();
      return digest.ok() ? absl::DataLossError("the digest differs") : digest.status();
    }
    summary_.linked += linked ? 1 : 0;
    return files_.SyncFolder(folder);
  }

  static bool Link(const std::string& source, const std::string& target) {
    std::error_code error;
    fs::create_hard_link(source, target, error);
    return !error;
  }

  absl::Status Copy(const std::string& source, const std::string& target) {
    ASSIGN_OR_RETURN(const bool cloned, CloneFile(source, target));
    return cloned ? absl::OkStatus() : ReadThrough(files_, source, target).status();
  }

  /// Reports the blob as lost, unless nothing references it: then it was deleted after the copy of
  /// the database, or is garbage.
  absl::Status Leave(SqlSession& db, const BlobRow& blob, bool damaged) {
    ASSIGN_OR_RETURN(std::vector<std::string> users, UsersOfBlob(db, blob.tenant, blob.sha256));
    if (!users.empty()) {
      summary_.lost.push_back({blob.tenant, blob.sha256, damaged, std::move(users)});
    }
    return absl::OkStatus();
  }

  Files& files_;
  const std::string from_;
  const std::string to_;
  const BackupWay way_;
  BackupSummary summary_;
};

absl::StatusOr<BackupSummary> CopyFrom(const std::string& from, const std::string& data,
                                       Files& files) {
  const std::string incoming = data + kDatabase + ".incoming";
  RETURN_IF_ERROR(ReadThrough(files, from + kDatabase, incoming).status());
  BackupSummary summary;
  {
    ASSIGN_OR_RETURN(const auto db,
                     SqliteConnection::Open(incoming, SqliteConnection::Access::kReadWrite));
    RETURN_IF_ERROR(CheckDatabase(*db, incoming));
    ASSIGN_OR_RETURN(summary, BlobCopier(files, from, data, BackupWay::kCopy).CopyAll(*db));
  }
  // Last, because the database makes the folder a data folder.
  RETURN_IF_ERROR(files.Rename(incoming, data + kDatabase));
  RETURN_IF_ERROR(files.SyncFolder(data));
  return summary;
}

}  // namespace

absl::StatusOr<BackupSummary> BackUp(const std::string& data, const std::string& to, Files& files,
                                     BackupWay way) {
  if (!files.Size(data + kDatabase).ok()) return Unsuitable(data, "has no database");
  RETURN_IF_ERROR(MakeEmpty(to));
  const std::string copy = to + kDatabase + ".incoming";
  BackupSummary summary;
  {
    // The database first: its blobs stay, since garbage collection waits before it deletes a blob.
    ASSIGN_OR_RETURN(const auto source,
                     SqliteConnection::Open(data + kDatabase, SqliteConnection::Access::kReadOnly));
    RETURN_IF_ERROR(source->CopyTo(copy));
    ASSIGN_OR_RETURN(const auto db,
                     SqliteConnection::Open(copy, SqliteConnection::Access::kReadWrite));
    RETURN_IF_ERROR(CheckDatabase(*db, copy));
    ASSIGN_OR_RETURN(summary, BlobCopier(files, data, to, way).CopyAll(*db));
  }
  RETURN_IF_ERROR(files.Rename(copy, to + kDatabase));
  RETURN_IF_ERROR(files.SyncFolder(to));
  ASSIGN_OR_RETURN(const auto mark, files.Create(to + kMark));
  RETURN_IF_ERROR(mark->Append(fmt::format(R"({{"format":1,"blobs":{},"bytes":{},"lost":{}}})"
                                           "\n",
                                           summary.blobs, summary.bytes, summary.lost.size())));
  RETURN_IF_ERROR(mark->Sync());
  RETURN_IF_ERROR(files.SyncFolder(to));
  return summary;
}

absl::StatusOr<BackupSummary> Restore(const std::string& from, const std::string& data,
                                      Files& files) {
  if (!files.Size(from + kMark).ok()) {
    return Unsuitable(from, "is not a complete backup: it has no backup.json");
  }
  RETURN_IF_ERROR(MakeEmpty(data));
  auto summary = CopyFrom(from, data, files);
  if (!summary.ok()) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(data, ignored)) {
      fs::remove_all(entry.path(), ignored);
    }
  }
  return summary;
}

}  // namespace vico::server
