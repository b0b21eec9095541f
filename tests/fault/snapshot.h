// What a server left behind: rows and blobs, read beside it or after its end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "vico/v1/adapter.pb.h"
#include "vico/v1/job.pb.h"

namespace vico {

struct StoredJob {
  std::string tenant;
  v1::Job job;
  std::vector<v1::Event> events;       ///< in the order of their numbers
  std::vector<int64_t> event_numbers;  ///< as the rows have them
};

struct StoredBlob {
  uint64_t size_bytes = 0;
  bool digest_matches = false;
  int64_t age_seconds = 0;
};

struct Snapshot {
  std::map<std::string, StoredJob> jobs;                                ///< by name
  std::vector<std::pair<std::string, v1::Adapter>> adapters;            ///< with their tenants
  std::map<std::pair<std::string, std::string>, std::string> requests;  ///< tenant, id -> what
  std::map<std::string, std::vector<v1::BlobRef>> named;                ///< tenant -> blobs of
                                                                        ///< all kinds of rows
  std::map<std::pair<std::string, std::string>, StoredBlob> blobs;      ///< by tenant, digest
};

/// Reads `folder`/vico.db (read only) and the files under `folder`/blobs.
absl::StatusOr<Snapshot> ReadSnapshot(const std::string& folder);

}  // namespace vico
