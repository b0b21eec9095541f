// The workers in SQL.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/jobs/store_clock.h"
#include "server/sql/database.h"
#include "server/workers/worker_store.h"

namespace vico::server {

class SqlWorkerStore final : public WorkerStore {
 public:
  /// The references must outlive the store.
  SqlWorkerStore(Database& database, const StoreClock& time) : database_(database), time_(time) {}

  absl::Status Register(const v1::RegisterRequest& request) override;
  absl::StatusOr<StoredWorker> Find(std::string_view worker) override;
  absl::StatusOr<std::vector<StoredWorker>> List() override;
  absl::Status RecordContact(std::string_view worker, const v1::WorkerLoad& load) override;
  absl::Status SetDraining(std::string_view worker, bool draining) override;
  absl::StatusOr<std::map<std::string, std::vector<std::string>>> RunningJobs() override;

 private:
  absl::Status CheckDigests(SqlSession& db, const v1::RegisterRequest& request,
                            absl::Time gone) const;

  Database& database_;
  const StoreClock& time_;
};

}  // namespace vico::server
