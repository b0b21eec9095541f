// An adapter's row as far as jobs need it: what it was trained on, the checkpoint of its training,
// and its report.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/sql/sql_session.h"
#include "vico/v1/adapter.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// "concepts/{id}" of the pictures that the adapter was trained on, which may have been deleted.
/// Empty for an import, and if there is no such adapter.
absl::StatusOr<std::string> ConceptOfAdapter(SqlSession& db, std::string_view tenant,
                                             std::string_view adapter);

/// Those of the checkpoints whose blobs are stored.
absl::StatusOr<v1::TrainingCheckpoints> StoredOf(SqlSession& db, std::string_view tenant,
                                                 v1::TrainingCheckpoints checkpoints);

/// The checkpoints of the adapter's training that are kept and stored; none if it is an import.
absl::StatusOr<v1::TrainingCheckpoints> CheckpointsOfAdapter(SqlSession& db,
                                                             std::string_view tenant,
                                                             std::string_view adapter);

/// Stores the report with `report.adapter()` in place of an earlier one, and references its contact
/// sheet. `now` is store time. kNotFound, reason ADAPTER_NOT_FOUND, which may be the error of a
/// later statement; kFailedPrecondition, reason BLOB_MISSING, as NameBlobs().
absl::Status SaveReport(SqlSession& db, absl::Time now, std::string_view tenant,
                        const v1::AdapterReport& report);

}  // namespace vico::server
