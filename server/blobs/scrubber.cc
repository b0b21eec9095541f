#include "server/blobs/scrubber.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/status.h"
#include "server/blobs/damaged_blob.h"

namespace vico::server {
namespace {

constexpr uint64_t kReadAtOnce = uint64_t{1} << 20;

}  // namespace

absl::Status Scrubber::Load() {
  if (loaded_) return absl::OkStatus();
  RETURN_IF_ERROR(parts_.database.Read([&](SqlSession& db) {
    return db.Query("SELECT began, ended, tenant, sha256 FROM scrub", {}, [&](const SqlRow& row) {
      began_ = absl::FromUnixMicros(row.Int(0));
      resting_ = row.Int(1) != 0;
      tenant_ = row.Text(2);
      sha256_ = row.Text(3);
      return absl::OkStatus();
    });
  }));
  loaded_ = true;
  return absl::OkStatus();
}

absl::Status Scrubber::SavePosition() {
  return parts_.database.Write([&](SqlSession& db) {
    return db.Send(
        R"(INSERT INTO scrub ("only", began, ended, tenant, sha256) VALUES (1, ?, ?, ?, ?) )"
        R"(ON CONFLICT ("only") DO UPDATE SET )"
        "began = excluded.began, ended = excluded.ended, "
        "tenant = excluded.tenant, sha256 = excluded.sha256",
        {absl::ToUnixMicros(began_), int64_t{resting_}, tenant_, sha256_});
  });
}

/// Opens the blob after the last one read. False when there is none.
absl::StatusOr<bool> Scrubber::OpenNext() {
  BlobRow next;
  RETURN_IF_ERROR(parts_.database.Read([&](SqlSession& db) {
    return db.Query(
        "SELECT tenant, sha256, size_bytes, time, object_key FROM blob "
        "WHERE (tenant, sha256) > (?, ?) "
        "AND state = 'live' ORDER BY tenant, sha256 LIMIT 1",
        {tenant_, sha256_}, [&](const SqlRow& row) {
          next = {row.Text(0), row.Text(1), static_cast<uint64_t>(row.Int(2)),
                  absl::FromUnixMicros(row.Int(3)), row.Text(4)};
          return absl::OkStatus();
        });
  }));
  if (next.sha256.empty()) return false;
  current_ = std::make_unique<Current>();
  current_->row = std::move(next);
  auto reader = parts_.objects.Open(current_->row.object_key, current_->row.size_bytes);
  if (reader.ok()) {
    current_->reader = *std::move(reader);
  } else if (!absl::IsNotFound(reader.status())) {
    return Skip(reader.status());
  }
  return true;
}

/// Leaves the current blob to the next round: that it cannot be read now, as without free file
/// descriptors, says nothing about its bytes.
absl::Status Scrubber::Skip(const absl::Status& why) {
  tenant_ = current_->row.tenant;
  sha256_ = current_->row.sha256;
  current_.reset();
  return why;
}

/// Ends the current blob. True when it was quarantined.
absl::StatusOr<bool> Scrubber::Judge(bool intact) {
  const BlobRow blob = current_->row;
  current_.reset();
  tenant_ = blob.tenant;
  sha256_ = blob.sha256;
  if (intact) return false;
  ASSIGN_OR_RETURN(const Quarantined result, QuarantineDamaged(parts_, blob));
  if (result.moved) {
    log_.Error("a blob is damaged and was quarantined",
               {{"tenant", blob.tenant},
                {"sha256", blob.sha256},
                {"named_by", fmt::format("{}", fmt::join(result.users, " "))}});
  }
  return result.moved;
}

absl::StatusOr<int> Scrubber::Turn(uint64_t bytes) {
  RETURN_IF_ERROR(Load());
  if (resting_ || began_ == absl::UnixEpoch()) {
    if (began_ != absl::UnixEpoch() && parts_.time.Now() < began_ + interval_) return 0;
    began_ = parts_.time.Now();
    resting_ = false;
    tenant_.clear();
    sha256_.clear();
  }
  int quarantined = 0;
  for (uint64_t read = 0; read < bytes;) {
    if (current_ == nullptr) {
      ASSIGN_OR_RETURN(const bool more, OpenNext());
      if (!more) {
        resting_ = true;
        break;
      }
    }
    Current& now = *current_;
    absl::StatusOr<std::string> chunk = now.reader == nullptr
                                            ? absl::StatusOr<std::string>("")
                                            : now.reader->Read(now.offset, kReadAtOnce);
    if (!chunk.ok() && !absl::IsDataLoss(chunk.status())) return Skip(chunk.status());
    if (chunk.ok() && !chunk->empty()) {
      now.hash.Update(*chunk);
      now.offset += chunk->size();
      read += chunk->size();
      if (now.offset < now.row.size_bytes) continue;
    }
    const bool intact = now.reader != nullptr && chunk.ok() && now.offset == now.row.size_bytes &&
                        now.hash.HexDigest() == now.row.sha256;
    ASSIGN_OR_RETURN(const bool bad, Judge(intact));
    quarantined += bad ? 1 : 0;
    // Opening a file costs about as much as reading a page.
    read += 4096;
  }
  RETURN_IF_ERROR(SavePosition());
  return quarantined;
}

}  // namespace vico::server
