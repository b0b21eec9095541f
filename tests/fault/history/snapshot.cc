#include "tests/fault/history/snapshot.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/crypto/sha256.h"
#include "common/status.h"
#include "server/jobs/job.h"
#include "server/jobs/picture_names.h"
#include "server/rows/job_rows.h"
#include "server/sql/sqlite_connection.h"
#include "vico/v1/concept.pb.h"

namespace vico::fault {
namespace {

using server::SqlRow;
using server::SqlSession;

template <typename Message>
absl::StatusOr<Message> Parse(const SqlRow& row, int column) {
  Message message;
  if (message.ParseFromString(row.Text(column))) return message;
  return absl::DataLossError("a stored " + Message::descriptor()->name() + " cannot be parsed");
}

absl::Status ReadJobs(SqlSession& db, Snapshot& snapshot) {
  std::map<int64_t, StoredJob*> by_number;
  RETURN_IF_ERROR(db.Query(server::SelectJob("ORDER BY number"), {}, [&](const SqlRow& columns) {
    absl::StatusOr<server::JobRow> row = server::FromRow(columns);
    if (!row.ok()) return row.status();
    StoredJob& stored = snapshot.jobs[row->job.name()];
    stored.tenant = row->tenant;
    stored.job = std::move(row->job);
    auto& referenced = snapshot.referenced[row->tenant];
    for (const auto& kept : row->checkpoints.newest_first()) referenced.push_back(kept.blob());
    by_number[row->number] = &stored;
    return absl::OkStatus();
  }));
  return db.Query("SELECT job, sequence, event FROM event ORDER BY job, sequence", {},
                  [&](const SqlRow& row) -> absl::Status {
                    const auto job = by_number.find(row.Int(0));
                    if (job == by_number.end())
                      return absl::DataLossError("an event belongs to no job");
                    ASSIGN_OR_RETURN(v1::Event event, Parse<v1::Event>(row, 2));
                    // As clients see it.
                    server::NamePictures(job->second->job.name(), event);
                    job->second->events.push_back(std::move(event));
                    job->second->event_numbers.push_back(row.Int(1));
                    return absl::OkStatus();
                  });
}

absl::Status ReadCatalog(SqlSession& db, Snapshot& snapshot) {
  RETURN_IF_ERROR(db.Query(
      "SELECT tenant, message, report FROM adapter", {}, [&](const SqlRow& row) -> absl::Status {
        ASSIGN_OR_RETURN(v1::Adapter adapter, Parse<v1::Adapter>(row, 1));
        ASSIGN_OR_RETURN(const v1::AdapterReport report, Parse<v1::AdapterReport>(row, 2));
        if (report.has_sheet()) {
          snapshot.referenced[row.Text(0)].push_back(report.sheet());
          snapshot.sheets[report.job()] = report.sheet();
        }
        auto& referenced = snapshot.referenced[row.Text(0)];
        referenced.push_back(adapter.blob());
        referenced.push_back(adapter.reference());
        snapshot.adapters.emplace_back(row.Text(0), std::move(adapter));
        return absl::OkStatus();
      }));
  RETURN_IF_ERROR(
      db.Query("SELECT tenant, message FROM concept", {}, [&](const SqlRow& row) -> absl::Status {
        ASSIGN_OR_RETURN(const v1::Concept made, Parse<v1::Concept>(row, 1));
        for (const auto& picture : made.pictures()) {
          snapshot.referenced[row.Text(0)].push_back(picture.blob());
        }
        return absl::OkStatus();
      }));
  return db.Query("SELECT tenant, request_id, resource FROM request", {}, [&](const SqlRow& row) {
    snapshot.requests[{row.Text(0), row.Text(1)}] = row.Text(2);
    return absl::OkStatus();
  });
}

void ReadBlobs(const std::string& root, Snapshot& snapshot) {
  namespace fs = std::filesystem;
  std::error_code gone;
  for (const auto& tenant : fs::directory_iterator(root, gone)) {
    const std::string name = tenant.path().filename().string();
    if (name == ".incoming" || !tenant.is_directory()) continue;
    for (const auto& file : fs::recursive_directory_iterator(tenant.path(), gone)) {
      if (!file.is_regular_file()) continue;
      std::ifstream stream(file.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
      // The rest of the name is random.
      const std::string digest = file.path().filename().string().substr(0, 64);
      const auto age = fs::file_time_type::clock::now() - file.last_write_time(gone);
      snapshot.blobs[{name, digest}] = {
          .size_bytes = bytes.size(),
          .digest_matches = Sha256Hex(bytes) == digest,
          .age_seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count()};
    }
  }
}

/// What the rows say, without the bytes of the blobs.
absl::Status ReadRows(SqlSession& db, Snapshot& snapshot) {
  RETURN_IF_ERROR(ReadJobs(db, snapshot));
  RETURN_IF_ERROR(ReadCatalog(db, snapshot));
  for (const auto& [name, stored] : snapshot.jobs) {
    auto& referenced = snapshot.referenced[stored.tenant];
    for (const v1::Event& event : stored.events) {
      if (event.has_checkpoint()) continue;  // the job's row references its blob
      for (v1::BlobRef& blob : server::BlobsNamedBy(event)) referenced.push_back(std::move(blob));
    }
    for (const v1::Picture& picture : stored.job.pictures()) referenced.push_back(picture.blob());
  }
  return absl::OkStatus();
}

struct ObjectOfBlob {
  std::string tenant;
  std::string sha256;
  std::string key;
  uint64_t size_bytes = 0;
};

absl::Status ReadObject(server::ObjectStore& objects, const ObjectOfBlob& blob,
                        Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const auto reader, objects.Open(blob.key, blob.size_bytes));
  Sha256 digest;
  for (uint64_t at = 0; at < blob.size_bytes;) {
    ASSIGN_OR_RETURN(const std::string some, reader->Read(at, blob.size_bytes - at));
    if (some.empty()) break;
    digest.Update(some);
    at += some.size();
  }
  snapshot.blobs[{blob.tenant, blob.sha256}] = {
      .size_bytes = blob.size_bytes, .digest_matches = digest.HexDigest() == blob.sha256};
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Snapshot> ReadSnapshot(const std::string& folder) {
  ASSIGN_OR_RETURN(const auto db,
                   server::SqliteConnection::Open(folder + "/vico.db",
                                                  server::SqliteConnection::Access::kReadOnly));
  Snapshot snapshot;
  RETURN_IF_ERROR(db->Script("BEGIN"));
  RETURN_IF_ERROR(ReadRows(*db, snapshot));
  ReadBlobs(folder + "/blobs", snapshot);
  return snapshot;
}

absl::StatusOr<Snapshot> ReadSnapshot(server::Database& database, server::ObjectStore& objects) {
  Snapshot snapshot;
  std::vector<ObjectOfBlob> blobs;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
    snapshot = {};
    blobs.clear();
    RETURN_IF_ERROR(ReadRows(db, snapshot));
    return db.Query("SELECT tenant, sha256, object_key, size_bytes FROM blob WHERE state = 'live'",
                    {}, [&](const SqlRow& row) {
                      blobs.push_back({row.Text(0), row.Text(1), row.Text(2),
                                       static_cast<uint64_t>(row.Int(3))});
                      return absl::OkStatus();
                    });
  }));
  // An object that is gone stays out of the snapshot, and the checker says so.
  for (const ObjectOfBlob& blob : blobs) {
    const absl::Status read = ReadObject(objects, blob, snapshot);
    if (!read.ok() && !server::IsAboutBytes(read) && !absl::IsNotFound(read)) return read;
  }
  return snapshot;
}

}  // namespace vico::fault
