// vico-server: flags -> Server; drains on SIGTERM or SIGINT. Its subcommands look after a data
// folder instead. Exit codes: 0 drained or done, 1 could not start or had to end, 2 wrong flags.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>

#include <CLI/CLI.hpp>

#include "common/clock.h"
#include "common/core_dumps.h"
#include "common/log.h"
#include "common/status.h"
#include "common/stop_signals.h"
#include "common/tracing/otlp_exporter.h"
#include "common/tracing/otlp_headers.h"
#include "server/sql/checkpoint_failpoint.h"
#include "server/cli/command_folder.h"
#include "server/cli/command_output.h"
#include "server/cli/commands.h"
#include "server/disk/files.h"
#include "server/limit_flags.h"
#include "server/server.h"

namespace {

std::string BesideThisProgram(const char* name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (error ? std::filesystem::path(name) : self.parent_path() / name).string();
}

/// Until a signal asks to end, or the server cannot go on.
absl::Status WaitForEnd(vico::server::Server& server, const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any asked;
  while (!stop.stop_requested()) {
    asked.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
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
  options.version = VICO_VERSION;
  std::string log_level = "info";
  std::string otlp_endpoint;
  double lease_seconds = 30;
  double drain_notice_seconds = 5;
  bool print_ports = false;
  CLI::App app(
      "Vico's server: the queue, the blobs and the API. Without TLS it listens on loopback only.");
  app.set_version_flag("--version", VICO_VERSION);
  app.require_subcommand(0, 1);
  int command_exit = 0;
  vico::server::AddKeysCommand(app, command_exit);
  vico::server::AddTenantsCommand(app, command_exit);
  app.add_option("--data", options.data, "Folder that holds everything the server keeps");
  app.add_option("--listen", options.listen, "Address for clients; port 0: any free one")
      ->capture_default_str();
  app.add_option("--worker-listen", options.worker_listen, "Address for workers and operators")
      ->capture_default_str();
  app.add_option("--cert", options.tls.certificate,
                 "Certificate (chain) in PEM: clients come by TLS, and need keys");
  app.add_option("--key", options.tls.key, "Its private key in PEM");
  app.add_option("--client-ca", options.tls.ca,
                 "CA in PEM that vouches for workers and operators: they come by TLS with a "
                 "certificate that names vico://worker/NAME or vico://operator/NAME");
  app.add_flag("--insecure", options.insecure,
               "On loopback: ask nobody for a key, even if there are tenants");
  app.add_option(
      "--metrics-listen", options.metrics_listen,
      "Address for Prometheus over plain HTTP, as 127.0.0.1:9464; counts only, but for no "
      "other eyes than the operator's; without it there are no metrics");
  app.add_option("--otlp-endpoint", otlp_endpoint,
                 "Send spans of calls and jobs to {this}/v1/traces, as http://collector:4318")
      ->envname("OTEL_EXPORTER_OTLP_ENDPOINT");
  app.add_option("--lease-seconds", lease_seconds, "A worker silent for so long loses its job")
      ->check(CLI::Range(0.5, 3600.0))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Threads for calls")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--decoder", options.decoder.program,
                 "Program that decodes uploaded pictures (default: vico-decode beside this one)");
  app.add_flag("--allow-unconfined-decoding", options.decoder.unconfined,
               "Decode uploaded pictures with this program's rights, where the kernel cannot take "
               "them away");
  app.add_option("--log-level", log_level, "debug, info, warning, error or off")
      ->capture_default_str();
  app.add_flag("--print-ports", print_ports,
               "Print one JSON line with the ports on standard output (always in ports.json, too)");
  app.add_option("--drain-notice-seconds", drain_notice_seconds,
                 "From saying NOT_SERVING to refusing calls")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str();
  vico::server::AddLimitFlags(app, options);
  vico::server::ServerCommands commands;
  vico::server::AddCommands(app, commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (int exit_code = 0; vico::server::RunCommand(commands, exit_code)) return exit_code;
  if (!app.get_subcommands().empty()) return command_exit;
  if (options.data.empty()) return vico::server::Ended(vico::FieldError("--data", "is required"));
  options.lease_ttl = absl::Seconds(lease_seconds);
  if (options.decoder.program.empty()) options.decoder.program = BesideThisProgram("vico-decode");
  options.housekeeping = std::min(options.housekeeping, options.lease_ttl / 15);
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
