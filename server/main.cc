// The program vico-server: runs a server until SIGTERM or SIGINT, or one of its subcommands. Exit
// codes: 0 drained or done, 1 failed to start or had to stop, 2 wrong flags.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>

#include <CLI/CLI.hpp>

#include "common/clock.h"
#include "common/log.h"
#include "common/process/core_dumps.h"
#include "common/process/stop_signals.h"
#include "common/status.h"
#include "common/tracing/otlp_exporter.h"
#include "common/tracing/otlp_headers.h"
#include "server/cli/command_output.h"
#include "server/cli/commands.h"
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

int main(int argc, char** argv) {
  vico::ForbidCoreDumps();
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
  app.add_option("--data", options.storage.data, "Folder of the database and the blobs");
  app.add_option("--listen", options.net.listen, "Address for clients; port 0: any free one")
      ->capture_default_str();
  app.add_option("--worker-listen", options.net.worker_listen, "Address for workers and operators")
      ->capture_default_str();
  app.add_option("--cert", options.net.tls.certificate,
                 "Certificate (chain) in PEM: clients must use TLS and API keys");
  app.add_option("--key", options.net.tls.key, "Private key of the certificate in PEM");
  app.add_option("--client-ca", options.net.tls.ca,
                 "CA in PEM: workers and operators must use TLS with a certificate of this CA that "
                 "names vico://worker/NAME or vico://operator/NAME");
  app.add_flag("--insecure", options.net.insecure,
               "Require no API keys, even if there are tenants; on loopback only");
  app.add_option("--metrics-listen", options.metrics_listen,
                 "Address for Prometheus over plain HTTP, as 127.0.0.1:9464; keep it private; "
                 "without it there are no metrics");
  app.add_option("--otlp-endpoint", otlp_endpoint,
                 "Send spans of calls and jobs to {this}/v1/traces, as http://collector:4318")
      ->envname("OTEL_EXPORTER_OTLP_ENDPOINT");
  app.add_option("--lease-seconds", lease_seconds,
                 "Time after which a worker that does not report loses its job")
      ->check(CLI::Range(0.5, 3600.0))
      ->capture_default_str();
  app.add_option("--threads", options.services.threads, "Threads for calls")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--decoder", options.decoder.program,
                 "Program that decodes uploaded pictures (default: vico-decode in the folder of "
                 "this program)");
  app.add_flag("--allow-unconfined-decoding", options.decoder.unconfined,
               "Decode uploaded pictures without confinement if the kernel does not support it");
  app.add_option("--log-level", log_level, "debug, info, warning, error or off")
      ->capture_default_str();
  app.add_flag("--print-ports", print_ports,
               "Print one JSON line with the ports on standard output (ports.json always has it)");
  app.add_option("--drain-notice-seconds", drain_notice_seconds,
                 "Time between NOT_SERVING and the refusal of calls at shutdown")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str();
  vico::server::AddLimitFlags(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!app.get_subcommands().empty()) return command_exit;
  if (options.storage.data.empty()) {
    return vico::server::Ended(vico::FieldError("--data", "is required"));
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
  if (!server.ok()) return vico::server::Ended(server.status());
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
  return end.ok() ? 0 : 1;
}
