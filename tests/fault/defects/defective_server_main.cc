// vico-defective-server: the server with one planted defect, so that tests can check that the fault
// runs detect it. It takes the flags of vico-server that these runs use. Exit codes: 0 drained, 1
// failed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>

#include "common/clock.h"
#include "common/log.h"
#include "common/process/stop_signals.h"
#include "server/cli/blob_flags.h"
#include "server/cli/database_flags.h"
#include "server/disk/files.h"
#include "server/limit_flags.h"
#include "server/server.h"
#include "tests/fault/defects/defective_job_store.h"
#include "tests/fault/defects/early_reply.h"
#include "tests/fault/defects/notify_only.h"
#include "tests/fault/defects/postgres_statements.h"
#include "tests/fault/defects/restarted_watch.h"

namespace vico::fault {
namespace {

void Plant(const std::string& defect, const Clock& clock, server::ServerOptions& options) {
  if (defect == "reply_before_commit") ReplyBeforeCommit();
  if (defect == "watch_restarts_at_0") RestartWatchesAt0();
  PlantInStatements(defect);
  if (defect == "notify_only") {
    NotifyOnly();
    options.services.streams.poll = std::chrono::hours(1);
    options.services.streams.bookmark = std::chrono::hours(1);
    options.services.answer_time = std::chrono::hours(1);
  }
  server::JobStoreOptions& below = options.storage.jobs;
  const DefectiveJobStoreOptions defective{
      .defect = defect, .lease = options.lease_ttl, .queued_per_tenant = below.queued_per_tenant};
  if (defect == "quota_outside_transaction") below.queued_per_tenant = below.queued_total;
  options.storage.wrap_jobs = [defective, &clock](std::unique_ptr<server::JobStore> jobs) {
    if (defective.defect == "extend_leases_on_each_start") jobs->ExtendLeases().IgnoreError();
    return std::make_unique<DefectiveJobStore>(std::move(jobs), clock, defective);
  };
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

int Serve(const server::ServerOptions& options, const Clock& clock, const StopSignals& signals) {
  const auto log = Log::ToStderr("vico-defective-server", "info");
  if (!log.ok()) return Fail(log.status());
  server::PosixFiles files;
  const auto server = server::Server::Start(options, clock, files, *log);
  if (!server.ok()) return Fail(server.status());
  while (!signals.token().stop_requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (absl::Status health = (*server)->Health(); !health.ok()) return Fail(health);
  }
  (*server)->Drain(absl::Seconds(30));
  return 0;
}

}  // namespace
}  // namespace vico::fault

int main(int argc, char** argv) {
  const vico::StopSignals signals;
  vico::server::ServerOptions options;
  options.services.version = "defective";
  options.decoder.program = VICO_DECODE_BINARY;
  std::string defect;
  double lease_seconds = 30;
  double drain_notice_seconds = 5;
  CLI::App app("The server with one planted defect.");
  app.add_option("--defect", defect, "Name of the defect")->required();
  app.add_option("--data", options.storage.data)->required();
  app.add_option("--listen", options.net.listen);
  app.add_option("--worker-listen", options.net.worker_listen);
  app.add_option("--lease-seconds", lease_seconds);
  app.add_option("--drain-notice-seconds", drain_notice_seconds);
  vico::server::DatabaseFlags database;
  vico::server::BlobFlags blobs;
  vico::server::AddDatabaseFlags(app, "--database", database);
  vico::server::AddBlobFlags(app, "--blobs", "Bucket of the blobs", blobs);
  vico::server::AddLimitFlags(app, options);
  CLI11_PARSE(app, argc, argv);
  auto postgres = vico::server::PostgresOptionsOf("--database", database);
  auto s3 = vico::server::S3OptionsOf("--blobs", blobs);
  if (!postgres.ok() || !s3.ok()) return 1;
  options.storage.postgres = *std::move(postgres);
  options.storage.s3 = *std::move(s3);
  options.lease_ttl = absl::Seconds(lease_seconds);
  options.services.housekeeping = std::min(options.services.housekeeping, options.lease_ttl / 15);
  options.drain_notice = absl::Seconds(drain_notice_seconds);
  const vico::SystemClock clock;
  vico::fault::Plant(defect, clock, options);
  return vico::fault::Serve(options, clock, signals);
}
