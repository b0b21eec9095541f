#include "server/copy/blob_copy.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/exception_status.h"
#include "common/mutex.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/objects/object_key.h"

namespace vico::server {
namespace {

constexpr uint64_t kPieceOfCopy = uint64_t{1} << 20;
constexpr int64_t kPage = 1000;

absl::StatusOr<std::vector<BlobRow>> BlobsAfter(Database& database, const BlobRow& last) {
  std::vector<BlobRow> rows;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) {
    rows.clear();
    return db.Query(
        "SELECT tenant, sha256, size_bytes, time, object_key FROM blob "
        "WHERE (tenant, sha256) > (?, ?) AND state = 'live' ORDER BY tenant, sha256 LIMIT ?",
        {last.tenant, last.sha256, kPage}, [&](const SqlRow& row) {
          rows.push_back({row.Text(0), row.Text(1), static_cast<uint64_t>(row.Int(2)),
                          absl::FromUnixMicros(row.Int(3)), row.Text(4)});
          return absl::OkStatus();
        });
  }));
  return rows;
}

/// The copy of one page of blobs, by several threads.
class PageCopy {
 public:
  PageCopy(const BlobParts& from, const BlobParts& to, const std::vector<BlobRow>& rows)
      : from_(from), to_(to), rows_(rows) {}

  absl::StatusOr<BlobsCopied> Run(int threads) {
    std::vector<std::thread> running;
    running.reserve(static_cast<size_t>(threads));
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([this] {
        try {
          Work();
        } catch (...) {
          Fail(StatusOfException());
        }
      });
    }
    for (std::thread& thread : running) thread.join();
    const MutexLock lock(mutex_);
    RETURN_IF_ERROR(failure_);
    return std::move(result_);
  }

 private:
  void Work() {
    for (size_t i = next_++; i < rows_.size() && !failed_; i = next_++) {
      if (const absl::Status status = One(rows_[i]); !status.ok()) return Fail(status);
    }
  }

  void Fail(const absl::Status& status) {
    failed_ = true;
    const MutexLock lock(mutex_);
    if (failure_.ok()) failure_ = status;
  }

  absl::Status One(const BlobRow& row) {
    bool there = false;
    RETURN_IF_ERROR(to_.database.Read([&](SqlSession& db) {
      const auto found = FindLiveBlob(db, row.tenant, row.sha256);
      there = found.ok();
      return absl::IsNotFound(found.status()) ? absl::OkStatus() : found.status();
    }));
    if (there) {
      const MutexLock lock(mutex_);
      ++result_.skipped;
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const auto writer, to_.objects.Create(row.tenant));
    ASSIGN_OR_RETURN(const bool whole, ReadInto(row, *writer));
    if (!whole) return ReportLost(row);
    const std::string key = NewObjectKey(row.tenant, row.sha256);
    RETURN_IF_ERROR(writer->Put(key, row.sha256));
    v1::BlobRef blob;
    blob.set_sha256(row.sha256);
    blob.set_size_bytes(row.size_bytes);
    RETURN_IF_ERROR(to_.database.Write(
        [&](SqlSession& db) { return SaveBlobRow(db, row.time, row.tenant, blob, key); }));
    const MutexLock lock(mutex_);
    ++result_.blobs;
    result_.bytes += row.size_bytes;
    return absl::OkStatus();
  }

  /// Whether the source has the bytes with their digest.
  absl::StatusOr<bool> ReadInto(const BlobRow& row, ObjectWriter& writer) {
    const auto reader = from_.objects.Open(row.object_key, row.size_bytes);
    if (absl::IsNotFound(reader.status())) return false;
    if (!reader.ok()) return reader.status();
    Sha256 hash;
    for (uint64_t offset = 0; offset < row.size_bytes;) {
      const auto piece = (*reader)->Read(offset, kPieceOfCopy);
      if (!piece.ok() && !IsAboutBytes(piece.status())) return piece.status();
      if (!piece.ok() || piece->empty()) return false;
      hash.Update(*piece);
      RETURN_IF_ERROR(writer.Append(*piece));
      offset += piece->size();
    }
    return hash.HexDigest() == row.sha256;
  }

  absl::Status ReportLost(const BlobRow& row) {
    std::vector<std::string> users;
    RETURN_IF_ERROR(from_.database.Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(users, UsersOfBlob(db, row.tenant, row.sha256));
      return absl::OkStatus();
    }));
    const MutexLock lock(mutex_);
    result_.lost.push_back({row.tenant, row.sha256, std::move(users)});
    return absl::OkStatus();
  }

  const BlobParts& from_;
  const BlobParts& to_;
  const std::vector<BlobRow>& rows_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> failed_{false};
  Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  BlobsCopied result_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<BlobsCopied> CopyBlobs(const BlobParts& from, const BlobParts& to, int threads,
                                      const std::function<void(const BlobsCopied&)>& progress) {
  BlobsCopied all;
  for (BlobRow last;;) {
    ASSIGN_OR_RETURN(const std::vector<BlobRow> rows, BlobsAfter(from.database, last));
    if (rows.empty()) return all;
    ASSIGN_OR_RETURN(BlobsCopied page, PageCopy(from, to, rows).Run(threads));
    all.blobs += page.blobs;
    all.skipped += page.skipped;
    all.bytes += page.bytes;
    std::move(page.lost.begin(), page.lost.end(), std::back_inserter(all.lost));
    progress(all);
    last = rows.back();
  }
}

}  // namespace vico::server
