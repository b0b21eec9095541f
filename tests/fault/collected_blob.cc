#include "tests/fault/collected_blob.h"

#include <chrono>
#include <future>

#include "common/clock.h"
#include "common/status.h"
#include "server/blobs/blob_garbage_collector.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/tracked_blob_store.h"
#include "server/objects/local_objects.h"
#include "server/sql/sqlite_database.h"
#include "server/store/sql_catalog.h"
#include "tests/server/blobs/faulty_files.h"
#include "tests/support/temp_folder.h"

namespace vico::fault {
namespace {

constexpr char kTenant[] = "default";
// Long enough for a transaction. One that waits for the collector's transaction ends after it.
constexpr auto kHeadStart = std::chrono::milliseconds(500);

absl::StatusOr<v1::BlobRef> Put(server::BlobStore& blobs, const std::string& bytes) {
  ASSIGN_OR_RETURN(const auto writer, blobs.Create(kTenant));
  RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Commit("", "image/png");
}

absl::StatusOr<Violations> Play(const std::string& defect) {
  const TempFolder folder(TempFolder::InMemory());
  server::FaultyFiles disk;
  const SystemClock clock;
  const server::StoreClock time(clock);
  ASSIGN_OR_RETURN(const auto database, server::SqliteDatabase::Open(folder.path() + "/vico.db"));
  ASSIGN_OR_RETURN(const auto objects, server::LocalObjects::Open(folder.path() + "/blobs", disk));
  const server::BlobParts parts{*objects, *database, time};
  server::TrackedBlobStore blobs(parts);
  server::SqlCatalog catalog(*database, time);
  ASSIGN_OR_RETURN(const v1::BlobRef blob, Put(blobs, "a picture"));
  std::string key;
  RETURN_IF_ERROR(database->Read([&](server::SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const server::BlobRow row, FindLiveBlob(db, kTenant, blob.sha256()));
    key = row.object_key;
    return absl::OkStatus();
  }));
  v1::Concept requested;
  *requested.add_pictures()->mutable_blob() = blob;

  std::future<absl::Status> created;
  disk.OnRemoved([&] {
    if (created.valid()) return;
    created = std::async(std::launch::async, [&] {
      return catalog.CreateConcept({kTenant, "request-1", "hash"}, requested).status();
    });
    created.wait_for(kHeadStart);
  });
  server::BlobGarbageCollector collector(parts, absl::ZeroDuration());
  if (defect == "blob_unlinked_early") {
    RETURN_IF_ERROR(objects->Remove(key));  // while its row is still live
  }
  RETURN_IF_ERROR(collector.Turn(1).status());
  if (!created.valid()) return Violations{"nothing was collected"};
  const absl::Status answer = created.get();
  if (answer.ok() && !objects->Look(key).ok()) {
    return Violations{"a concept was acknowledged after the file of its picture was removed"};
  }
  return Violations{};
}

}  // namespace

Violations ReferenceCollectedBlob(const std::string& defect) {
  const auto found = Play(defect);
  return found.ok() ? *found : Violations{found.status().ToString()};
}

}  // namespace vico::fault
