// The rows and blobs of a data folder, read while the server runs or after its end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "server/objects/object_store.h"
#include "server/sql/database.h"
#include "vico/v1/adapter.pb.h"
#include "vico/v1/job.pb.h"

namespace vico::fault {

struct StoredJob {
  std::string tenant;
  v1::Job job;
  std::vector<v1::Event> events;       ///< ordered by number
  std::vector<int64_t> event_numbers;  ///< from the rows
};

struct StoredBlob {
  uint64_t size_bytes = 0;
  bool digest_matches = false;
  int64_t age_seconds = 0;
};

struct Snapshot {
  /// By name.
  std::map<std::string, StoredJob> jobs;
  /// Tenant and adapter.
  std::vector<std::pair<std::string, v1::Adapter>> adapters;
  std::map<std::string, v1::BlobRef> sheets;  ///< of the newest reports, by their evaluations
  /// The resource that a request created, by tenant and request id.
  std::map<std::pair<std::string, std::string>, std::string> requests;
  /// By tenant: the blobs that rows of any kind reference.
  std::map<std::string, std::vector<v1::BlobRef>> referenced;
  /// By tenant and digest.
  std::map<std::pair<std::string, std::string>, StoredBlob> blobs;
};

/// Reads `folder`/vico.db and the files in `folder`/blobs, and changes nothing.
absl::StatusOr<Snapshot> ReadSnapshot(const std::string& folder);

/// Reads a database that several servers use, and the objects of its live blobs.
absl::StatusOr<Snapshot> ReadSnapshot(server::Database& database, server::ObjectStore& objects);

}  // namespace vico::fault
