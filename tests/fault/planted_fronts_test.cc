// Tests of the fault runs of several servers: each planted defect must cause a violation in the run
// meant for its kind, and the same run without the defect must have none.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/status.h"
#include "server/blobs/blob_garbage_collector.h"
#include "server/blobs/blob_rows.h"
#include "server/objects/local_objects.h"
#include "server/objects/object_key.h"
#include "server/postgres/postgres_database.h"
#include "server/store/sql_job_store.h"
#include "tests/fault/defects/postgres_statements.h"
#include "tests/fault/fault_run.h"
#include "tests/support/postgres_cluster.h"

namespace vico::fault {
namespace {

using std::chrono::milliseconds;

struct Defect {
  std::string name;
  std::function<Violations(const std::string& defect)> run;  ///< an empty name plants nothing
};

FaultRun TwoServers(const std::string& defect) {
  FaultRun run;
  run.arena.servers = 2;
  run.arena.shared = std::make_shared<SharedStore>();
  run.arena.defect = defect;
  run.check.lease_us = static_cast<int64_t>(run.arena.lease_seconds * 1e6);
  return run;
}

void Rest(const std::stop_token& stop, milliseconds time) {
  for (; time.count() > 0 && !stop.stop_requested(); time -= milliseconds(20)) {
    std::this_thread::sleep_for(milliseconds(20));
  }
}

/// Runs `other` on a thread until it has ended, or waits for a lock of this database.
std::thread RunBeside(const PostgresCluster& cluster, const std::function<void()>& other) {
  const auto done = std::make_shared<std::atomic<bool>>(false);
  std::thread thread([other, done] {
    other();
    *done = true;
  });
  Eventually(
      [&] {
        return *done || cluster.Psql("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0\n";
      },
      std::chrono::seconds(20));
  return thread;
}

/// A job is cancelled between the two statements of a report.
Violations CancelDuringReport(const std::string& defect) {
  PostgresCluster cluster;
  PlantInStatements(defect);
  const auto database = server::PostgresDatabase::Open({.url = cluster.NewDatabase()});
  if (!database.ok()) return {database.status().ToString()};
  const SystemClock clock;
  const server::StoreClock time(clock);
  server::EventFeed feed;
  const auto jobs = server::SqlJobStore::Open(**database, clock, time, feed, {});
  server::SubmitRequest request;
  request.key = {"acme", "request-1", "hash"};
  request.spec.mutable_generate()->set_base_model("baseModels/toy");
  const auto job = (*jobs)->Submit(request);
  const auto grants = (*jobs)->Lease(
      {.worker = "worker", .device = "cpu", .nonce = "nonce", .base_models = {"baseModels/toy"}});
  if (!job.ok() || !grants.ok() || grants->size() != 1) return {"the job does not run"};
  v1::ReportRequest report;
  report.set_job(job->name());
  report.set_lease_id(grants->front().lease_id);
  report.set_report_number(1);
  std::thread cancelling;
  absl::StatusOr<v1::Job> cancelled = absl::UnknownError("");
  BeforeChangeOfJob([&] {
    cancelling = RunBeside(cluster, [&] { cancelled = (*jobs)->Cancel("acme", job->name()); });
  });
  const auto reported = (*jobs)->Report(report);
  if (cancelling.joinable()) cancelling.join();
  PlantInStatements("");
  const auto now = (*jobs)->Get("acme", job->name());
  if (!reported.ok() || !cancelled.ok() || !now.ok()) {
    return {reported.status().ToString() + cancelled.status().ToString()};
  }
  if (now->cancel_requested()) return {};
  return {fmt::format("{}: its cancel was acknowledged; it is forgotten", job->name())};
}

/// The sessions that listen end again and again, and the notifications of that moment are lost.
Violations LostNotifications(const std::string& defect) {
  FaultRun run = TwoServers(defect);
  run.arena.step_ms = 60;
  run.jobs = 24;
  run.cancel_every = 0;
  run.patience_seconds = 60;
  run.disturb = [](Arena& arena, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      arena.shared()->EndSessions();
      Rest(stop, milliseconds(300));
    }
  };
  return PlayRun(run).violations;
}

/// A worker is gone with its job while servers start one after the other. The lease must end all
/// the same.
Violations ServersStartDuringALease(const std::string& defect) {
  FaultRun run = TwoServers(defect);
  run.arena.lease_seconds = 3;
  run.check.lease_us = 3'000'000;
  run.arena.workers = 2;
  run.arena.step_ms = 400;
  run.jobs = 4;
  run.submitters = 1;
  run.cancel_every = 0;
  run.patience_seconds = 45;
  run.disturb = [](Arena& arena, const std::stop_token& stop) {
    Rest(stop, milliseconds(1500));
    arena.Abandon(0);
    arena.KillWorker(0);
    for (int turn = 0; !stop.stop_requested(); ++turn) {
      arena.KillServer(turn % 2);
      Rest(stop, milliseconds(1400));
    }
  };
  return PlayRun(run).violations;
}

/// A blob is named while garbage collection looks at it.
Violations NamedDuringCollection(const std::string& defect) {
  PlantInStatements(defect);
  PostgresCluster cluster;
  const auto database = server::PostgresDatabase::Open({.url = cluster.NewDatabase()});
  const TempFolder folder;
  server::PosixFiles files;
  auto objects = server::LocalObjects::Open(folder.path() + "/blobs", files);
  if (!database.ok() || !objects.ok()) return {"the database or the objects do not open"};
  const SystemClock clock;
  const server::StoreClock time(clock);
  const server::BlobParts parts{**objects, **database, time};
  v1::BlobRef blob;
  blob.set_sha256(std::string(64, 'a'));
  const std::string key = server::NewObjectKey("acme", blob.sha256());
  const absl::Status stored = (*database)->Write([&](server::SqlSession& db) {
    return db
        .Execute(
            "INSERT INTO blob (tenant, sha256, size_bytes, state, time, object_key) "
            "VALUES ('acme', ?, 0, 'live', 0, ?)",
            {blob.sha256(), key})
        .status();
  });
  if (!stored.ok()) return {stored.ToString()};
  server::BlobGarbageCollector collector(parts, absl::Hours(1));
  std::thread collecting;
  absl::Status collected;
  const absl::Status named = (*database)->Write([&](server::SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(NameBlobs(db, "acme", "concepts/1", {blob}));
    ASSIGN_OR_RETURN(const int64_t rows, db.QueryInt("SELECT count(*) FROM blob_use", {}, 0));
    if (!collecting.joinable()) {
      collecting = RunBeside(cluster, [&] { collected = collector.Turn(10).status(); });
    }
    return rows == 1 ? absl::OkStatus() : absl::InternalError("not named");
  });
  collecting.join();
  PlantInStatements("");
  // A collection that fails deletes nothing, with or without the defect.
  EXPECT_TRUE(named.ok() && collected.ok()) << named << collected;
  Violations violations;
  const absl::Status read = (*database)->Read([&](server::SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const auto lost, server::LostBlobs(db));
    for (const auto& each : lost) {
      violations.push_back(fmt::format("blob {}: is referenced and does not exist", each.sha256));
    }
    return absl::OkStatus();
  });
  if (!read.ok()) violations.push_back(read.ToString());
  return violations;
}

std::vector<Defect> Defects() {
  return {
      {"no_row_lock", CancelDuringReport},
      {"notify_only", LostNotifications},
      {"collect_in_one_statement", NamedDuringCollection},
      {"extend_leases_on_each_start", ServersStartDuringALease},
  };
}

void PrintTo(const Defect& defect, std::ostream* out) { *out << defect.name; }

class PlantedFrontsTest : public ::testing::TestWithParam<Defect> {};

TEST_P(PlantedFrontsTest, IsCaught) {
  const Violations found = GetParam().run(GetParam().name);
  ASSERT_FALSE(found.empty()) << "no violation with the defect " << GetParam().name;
  std::printf("%s: caught: %s\n", GetParam().name.c_str(), found.front().c_str());
}

TEST_P(PlantedFrontsTest, WithoutTheDefectThereIsNoViolation) {
  const Violations found = GetParam().run("");
  std::string all;
  for (const std::string& violation : found) all += violation + "\n";
  EXPECT_TRUE(found.empty()) << all;
}

INSTANTIATE_TEST_SUITE_P(Defects, PlantedFrontsTest, ::testing::ValuesIn(Defects()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace vico::fault
