// The program vico-server: runs a server until SIGTERM or SIGINT, or one of its subcommands. Exit
// codes: 0 drained or done, 1 failed to start or had to stop, 2 wrong flags, 3 backup or restore
// without the blobs that are lost.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/exception_status.h"
#include "common/flags/number_flags.h"
#include "common/flags/parse_flags.h"
#include "common/log.h"
#include "common/process/core_dumps.h"
#include "common/process/stop_signals.h"
#include "common/rpc/address.h"
#include "common/status.h"
#include "common/tracing/otlp_exporter.h"
#include "common/tracing/otlp_headers.h"
#include "server/cli/blob_flags.h"
#include "server/cli/command_output.h"
#include "server/cli/commands.h"
#include "server/cli/database_flags.h"
#include "server/disk/files.h"
#include "server/limit_flags.h"
#include "server/server.h"
#include "server/sql/checkpoint_failpoint.h"

namespace {

std::string InFolderOfThisProgram(const char* name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (error ? std::filesystem::path(name) : self.parent_path() / name).string();
}

/// Waits until a signal requests the end (OK) or the server cannot continue.
absl::Status WaitForEnd(vico::server::Server& server, const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any stopped;
  while (!stop.stop_requested()) {
    stopped.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    if (absl::Status health = server.Health(); !health.ok()) return health;
  }
  return absl::OkStatus();
}

}  // namespace

static int Run(int argc, char** argv) {
  vico::ForbidCoreDumps();
  // All files of the data folder and of backups are for their owner only.
  umask(0077);
  // A write beyond the limit on the size of files fails, as on a full disk, and does not end the
  // process.
  std::signal(SIGXFSZ, SIG_IGN);
  const vico::Sensitive otlp_headers = vico::TakeOtlpHeaders();
  const vico::StopSignals signals;

  vico::server::ServerOptions options;
  options.services.version = VICO_VERSION;
  std::string log_level = "info";
  std::string otlp_endpoint;
  double lease_seconds = 30;
  double drain_notice_seconds = 5;
  bool print_ports = false;
  CLI::App app(
      "Vico's server: job queue, blob store and API. Without TLS it listens on loopback only.");
  app.set_version_flag("--version", VICO_VERSION);
  app.require_subcommand(0, 1);
  int command_exit = 0;
  vico::server::AddCommands(app, command_exit);
  app.add_option("--data", options.storage.data, "Folder of the database and the blobs")
      ->type_name(vico::kFolderType);
  vico::server::DatabaseFlags database;
  vico::server::AddDatabaseFlags(app, "--database", database);
  vico::AddNumber(app, "--database-connections", database.connections,
                  "Connections to the PostgreSQL database, besides one that listens", {1, 256});
  vico::server::BlobFlags blobs;
  vico::server::AddBlobFlags(app, "--blobs",
                             "Bucket of the blobs, as s3://BUCKET/PREFIX; without it, they are in "
                             "the data folder. Credentials come from AWS_ACCESS_KEY_ID and "
                             "AWS_SECRET_ACCESS_KEY, a web identity, or a file",
                             blobs);
  app.add_option("--listen", options.net.listen, "Address for clients; port 0: any free one")
      ->capture_default_str();
  app.add_option("--worker-listen", options.net.worker_listen, "Address for workers and operators")
      ->capture_default_str();
  app.add_option("--cert", options.net.tls.certificate,
                 "Certificate (chain) in PEM: clients must use TLS and API keys")
      ->type_name(vico::kFileType);
  app.add_option("--key", options.net.tls.key, "Private key of the certificate in PEM")
      ->type_name(vico::kFileType);
  app.add_option("--client-ca", options.net.tls.ca,
                 "CA in PEM: workers and operators must use TLS with a certificate of this CA that "
                 "names vico://worker/NAME or vico://operator/NAME")
      ->type_name(vico::kFileType);
  app.add_flag("--insecure", options.net.insecure,
               "Require no API keys, even if there are tenants; on loopback only");
  app.add_option("--metrics-listen", options.metrics_listen,
                 "Address for Prometheus over plain HTTP, as 127.0.0.1:9464; keep it private; "
                 "without it there are no metrics");
  app.add_option("--otlp-endpoint", otlp_endpoint,
                 "Send spans of calls and jobs to {this}/v1/traces, as http://collector:4318")
      ->envname("OTEL_EXPORTER_OTLP_ENDPOINT");
  vico::AddNumber(app, "--lease-seconds", lease_seconds,
                  "Time after which a worker that does not report loses its job", {0.5, 3600.0});
  vico::AddNumber(app, "--threads", options.services.threads, "Threads for calls", {1, 256});
  vico::AddNumber(app, "--transfer-threads", options.services.transfer_threads,
                  "Threads for calls that read or write blobs", {1, 256});
  app.add_option("--decoder", options.decoder.program,
                 "Program that decodes uploaded pictures (default: vico-decode in the folder of "
                 "this program)")
      ->type_name(vico::kFileType);
  app.add_flag("--allow-unconfined-decoding", options.decoder.unconfined,
               "Decode uploaded pictures without confinement if the kernel does not support it");
  app.add_option("--log-level", log_level, "debug, info, warning, error or off")
      ->capture_default_str();
  app.add_flag("--print-ports", print_ports,
               "Print one JSON line with the ports on standard output (ports.json always has it)");
  vico::AddNumber(app, "--drain-notice-seconds", drain_notice_seconds,
                  "Time between NOT_SERVING and the refusal of calls at shutdown", {0.0, 60.0});
  vico::server::AddLimitFlags(app, options);
  if (const auto exit_code = vico::ParseFlags(app, argc, argv)) return *exit_code;
  if (!app.get_subcommands().empty()) return command_exit;
  if (options.storage.data.empty()) {
    return vico::server::Ended(vico::FieldError("--data", "is required"));
  }
  auto postgres = vico::server::PostgresOptionsOf("--database", database);
  if (!postgres.ok()) return vico::server::Ended(postgres.status());
  options.storage.postgres = *std::move(postgres);
  auto s3 = vico::server::S3OptionsOf("--blobs", blobs);
  if (!s3.ok()) return vico::server::Ended(s3.status());
  options.storage.s3 = *std::move(s3);
  // Reading all objects of a bucket costs money, and the store checks them itself.
  if (options.storage.s3) options.storage.scrub_interval = absl::Hours(24 * 30);
  for (const auto& [flag, address] : {std::pair("--listen", &options.net.listen),
                                      std::pair("--worker-listen", &options.net.worker_listen),
                                      std::pair("--metrics-listen", &options.metrics_listen)}) {
    if (address->empty() && address == &options.metrics_listen) continue;
    auto target = vico::ParseListenAddress(flag, *address);
    if (!target.ok()) return vico::server::Ended(target.status());
    *address = *std::move(target);
  }
  options.lease_ttl = absl::Seconds(lease_seconds);
  if (options.decoder.program.empty()) {
    options.decoder.program = InFolderOfThisProgram("vico-decode");
  }
  options.services.housekeeping = std::min(options.services.housekeeping, options.lease_ttl / 15);
  options.drain_notice = absl::Seconds(drain_notice_seconds);

  const auto log = vico::Log::ToStderr("vico-server", log_level);
  if (!log.ok()) return vico::server::Ended(log.status());
  const auto spans = vico::OtlpExporter::ForProgram({"vico-server", VICO_VERSION}, otlp_endpoint,
                                                    otlp_headers, *log);
  if (!spans.ok()) return vico::server::Ended(spans.status());
  options.spans = spans->get();
  vico::server::WatchCheckpoints();
  const vico::SystemClock clock;
  vico::server::PosixFiles files;
  auto server = vico::server::Server::Start(options, clock, files, *log);
  if (!server.ok()) {
    return vico::server::EndedByDisk(server.status(), options.storage.data);
  }
  if (print_ports) {
    std::printf("%s\n", (*server)->ListeningLine().c_str());
    std::fflush(stdout);
  }
  log->Info("listening",
            {{"client_port", (*server)->client_port()}, {"worker_port", (*server)->worker_port()}});

  const absl::Status end = WaitForEnd(**server, signals.token());
  if (!end.ok()) {
    log->Error("must end", {{"error", end.ToString()}});
  } else {
    log->Info("draining");
  }
  (*server)->Drain(absl::Seconds(30));
  log->Info("ended");
  return vico::server::EndedByDisk(end, options.storage.data);
}

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (...) {  // for example, when a thread cannot start
    return vico::server::Ended(vico::StatusOfException());
  }
}
