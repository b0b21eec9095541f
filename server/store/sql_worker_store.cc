#include "server/store/sql_worker_store.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "server/store/sql_catalog.h"

namespace vico::server {
namespace {

constexpr absl::Duration kForgottenAfter = absl::Hours(24);
constexpr std::string_view kWorkerScope = "workers";
constexpr std::string_view kColumns =
    "name, registration, load, register_time, seen, draining, must_register";

absl::StatusOr<StoredWorker> WorkerOf(const SqlRow& row, absl::Time now) {
  StoredWorker worker;
  worker.name = row.Text(0);
  if (!worker.registration.ParseFromString(row.Text(1)) ||
      !worker.load.ParseFromString(row.Text(2))) {
    return absl::DataLossError("database: a stored worker cannot be read");
  }
  worker.register_time = absl::FromUnixMicros(row.Int(3));
  worker.seen = absl::FromUnixMicros(row.Int(4));
  worker.silent = std::max(absl::ZeroDuration(), now - worker.seen);
  worker.draining = row.Int(5) != 0;
  worker.must_register = row.Int(6) != 0;
  return worker;
}

absl::Status NoSuchWorker(std::string_view worker) {
  return Error(absl::StatusCode::kNotFound,
               fmt::format("name: no such worker: {}", worker.substr(0, 130)), "WORKER_NOT_FOUND");
}

absl::Status CheckDigest(const StoredWorker& other, const v1::BaseModel& theirs,
                         const v1::BaseModel& ours) {
  if (ours.name() != theirs.name() || ours.digest() == theirs.digest()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("{}: has digest {} here, and {} at worker {}", ours.name(),
                           ours.digest(), theirs.digest(), other.name),
               "BASE_MODEL_DIFFERS");
}

}  // namespace

/// Against the workers that were seen after `gone`.
absl::Status SqlWorkerStore::CheckDigests(SqlSession& db, const v1::RegisterRequest& request,
                                          absl::Time gone) const {
  static const std::string kOthers = fmt::format(
      "SELECT {} FROM worker WHERE name <> ? AND must_register = 0 AND seen >= ?", kColumns);
  return db.Query(kOthers, {request.worker(), absl::ToUnixMicros(gone)},
                  [&](const SqlRow& row) -> absl::Status {
                    ASSIGN_OR_RETURN(const StoredWorker other, WorkerOf(row, gone));
                    for (const auto& theirs : other.registration.base_models()) {
                      for (const auto& ours : request.base_models()) {
                        RETURN_IF_ERROR(CheckDigest(other, theirs.base_model(), ours.base_model()));
                      }
                    }
                    return absl::OkStatus();
                  });
}

absl::Status SqlWorkerStore::Register(const v1::RegisterRequest& request) {
  const std::string registration = request.SerializeAsString();
  return database_.Write([&](SqlSession& db) -> absl::Status {
    // Two workers that register at the same moment see each other.
    RETURN_IF_ERROR(db.Lock(kWorkerScope));
    const absl::Time now = time_.Now();
    const absl::Time gone = now - kWorkerGoneAfter;
    RETURN_IF_ERROR(CheckDigests(db, request, gone));
    RETURN_IF_ERROR(
        db.Send("DELETE FROM worker WHERE seen < ?", {absl::ToUnixMicros(now - kForgottenAfter)}));
    // The base model of a worker that is gone may be replaced now.
    RETURN_IF_ERROR(
        db.Send("UPDATE worker SET must_register = 1 WHERE seen < ? AND must_register = 0",
                {absl::ToUnixMicros(gone)}));
    RETURN_IF_ERROR(
        db.Send("INSERT INTO worker (name, registration, load, register_time, seen) "
                "VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (name) DO UPDATE SET "
                "registration = excluded.registration, load = excluded.load, "
                "register_time = excluded.register_time, seen = excluded.seen, "
                "must_register = 0",
                {request.worker(), Bytes{registration}, Bytes{}, absl::ToUnixMicros(now)}));
    return SaveBaseModelRows(db, now, {request.base_models().begin(), request.base_models().end()});
  });
}

absl::StatusOr<StoredWorker> SqlWorkerStore::Find(std::string_view worker) {
  static const std::string kFind = fmt::format("SELECT {} FROM worker WHERE name = ?", kColumns);
  absl::StatusOr<StoredWorker> found = NoSuchWorker(worker);
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    return db.Query(kFind, {worker}, [&](const SqlRow& row) {
      found = WorkerOf(row, time_.Now());
      return found.status();
    });
  }));
  return found;
}

absl::StatusOr<std::vector<StoredWorker>> SqlWorkerStore::List() {
  static const std::string kList = fmt::format("SELECT {} FROM worker ORDER BY name", kColumns);
  std::vector<StoredWorker> all;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    all.clear();
    return db.Query(kList, {}, [&](const SqlRow& row) -> absl::Status {
      ASSIGN_OR_RETURN(StoredWorker worker, WorkerOf(row, time_.Now()));
      all.push_back(std::move(worker));
      return absl::OkStatus();
    });
  }));
  return all;
}

absl::Status SqlWorkerStore::RecordContact(std::string_view worker, const v1::WorkerLoad& load) {
  const std::string bytes = load.SerializeAsString();
  return database_.Write([&](SqlSession& db) {
    return db.Send("UPDATE worker SET seen = ?, load = ? WHERE name = ?",
                   {absl::ToUnixMicros(time_.Now()), Bytes{bytes}, worker});
  });
}

absl::Status SqlWorkerStore::SetDraining(std::string_view worker, bool draining) {
  return database_.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const int changed, db.Execute("UPDATE worker SET draining = ? WHERE name = ?",
                                                   {int64_t{draining}, worker}));
    return changed == 1 ? absl::OkStatus() : NoSuchWorker(worker);
  });
}

absl::StatusOr<std::map<std::string, std::vector<std::string>>> SqlWorkerStore::RunningJobs() {
  std::map<std::string, std::vector<std::string>> jobs;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    jobs.clear();
    return db.Query("SELECT lease_worker, name FROM job WHERE state = 'running' ORDER BY number",
                    {}, [&](const SqlRow& row) {
                      jobs[row.Text(0)].push_back(row.Text(1));
                      return absl::OkStatus();
                    });
  }));
  return jobs;
}

}  // namespace vico::server
