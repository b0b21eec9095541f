#include "tests/fault/collected_blob.h"

#include <chrono>
#include <future>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/status.h"
#include "server/blobs/blob_garbage_collector.h"
#include "server/blobs/blob_store_local.h"
#include "server/blobs/blob_store_tracked.h"
#include "server/store/sql_catalog.h"
#include "server/sql/database.h"
#include "tests/server/blobs/faulty_files.h"
#include "tests/support/temp_folder.h"

namespace vico {

using server::BlobGarbageCollector;
using server::BlobStore;
using server::Database;
using server::FaultyFiles;
using server::LocalBlobStore;
using server::SqlCatalog;
using server::SteadyTime;
using server::TrackedBlobStore;

namespace {

constexpr char kTenant[] = "default";
// Long enough for a transaction; one that must wait for the collector's goes on after it.
constexpr auto kHead = std::chrono::milliseconds(500);

absl::StatusOr<v1::BlobRef> Put(BlobStore& blobs, const std::string& bytes) {
  ASSIGN_OR_RETURN(const auto writer, blobs.Create(kTenant));
  RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Commit("", "image/png");
}

absl::StatusOr<Violations> Play() {
  const TempFolder folder(TempFolder::InMemory());
  FaultyFiles disk;
  const SystemClock clock;
  const SteadyTime time(clock);
  ASSIGN_OR_RETURN(const auto database, Database::Open(folder.path() + "/vico.db"));
  ASSIGN_OR_RETURN(const auto files, LocalBlobStore::Open(folder.path() + "/blobs", disk));
  TrackedBlobStore blobs(*files, *database, time);
  SqlCatalog catalog(*database, clock);
  ASSIGN_OR_RETURN(const v1::BlobRef blob, Put(blobs, "a picture"));
  v1::Concept wanted;
  *wanted.add_pictures()->mutable_blob() = blob;

  std::future<absl::Status> named;
  disk.OnRemoved([&] {
    if (named.valid()) return;
    named = std::async(std::launch::async, [&] {
      return catalog.CreateConcept({kTenant, "request-1", "hash"}, wanted).status();
    });
    named.wait_for(kHead);
  });
  BlobGarbageCollector collector(*database, *files, time, absl::ZeroDuration());
  RETURN_IF_ERROR(collector.Turn(1).status());
  if (!named.valid()) return Violations{"nothing was collected"};
  const absl::Status answer = named.get();
  if (answer.ok() && !files->Size(kTenant, blob.sha256()).ok()) {
    return Violations{"a concept was acknowledged after its picture's file had gone"};
  }
  return Violations{};
}

}  // namespace

Violations NameWhatIsCollected(const std::string& defect) {
  Plant(defect);
  const auto found = Play();
  Plant("");
  return found.ok() ? *found : Violations{found.status().ToString()};
}

}  // namespace vico
