// vico-worker: connects to the server, starts the engine process and serves jobs until SIGTERM or
// SIGINT. Exit codes: 0 drained; 1 could not start, the server refused the worker, or the engine
// does not start again; 2 wrong flags.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/flags/number_flags.h"
#include "common/flags/parse_flags.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/process/core_dumps.h"
#include "common/process/stop_signals.h"
#include "common/status.h"
#include "common/tracing/otlp_exporter.h"
#include "common/tracing/otlp_headers.h"
#include "worker/available_cores.h"
#include "worker/engine_flags.h"
#include "worker/job/retry.h"
#include "worker/job/server_link.h"
#include "worker/lease/worker.h"
#include "worker/process/engine_process.h"

namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "vico-worker: %s\n", std::string(status.message()).c_str());
  return 1;
}

std::string DefaultName() {
  char host[64] = {};
  if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') std::snprintf(host, 7, "worker");
  return fmt::format("{}-{}", host, vico::NewId().substr(0, 8));
}

/// Path of vico-engine in the folder of this program.
std::string DefaultEngine() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "vico-engine" : (self.parent_path() / "vico-engine").string();
}

/// Whether nothing is lost if the ready file is removed: there is none, or the empty one of a
/// worker that was killed.
bool MayBeReadyFile(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::symlink_status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return true;
  return std::filesystem::is_regular_file(status) && std::filesystem::file_size(path, error) == 0;
}

/// A file for readiness probes, which exists while this worker serves. Does nothing without a path.
class ReadyFile {
 public:
  explicit ReadyFile(std::string path) : path_(std::move(path)) { Remove(); }
  ~ReadyFile() { Remove(); }
  ReadyFile(const ReadyFile&) = delete;
  ReadyFile& operator=(const ReadyFile&) = delete;

  const std::string& path() const { return path_; }
  bool Create() const { return path_.empty() || std::ofstream(path_).good(); }

 private:
  void Remove() const {
    if (path_.empty()) return;
    std::error_code error;
    std::filesystem::remove(path_, error);
  }

  const std::string path_;
};

// A step of a large base model may take minutes on a CPU. On a GPU it takes seconds.
constexpr double kHangSecondsCpu = 1800;
constexpr double kHangSecondsGpu = 120;

}  // namespace

int main(int argc, char** argv) {
  vico::ForbidCoreDumps();
  const vico::Sensitive otlp_headers = vico::TakeOtlpHeaders();
  const vico::StopSignals signals;

  std::string server;
  vico::TlsFiles tls;
  std::string engine_program = DefaultEngine();
  std::string ready_file;
  std::string otlp_endpoint;
  double hang_seconds = 0;
  vico::worker::WorkerOptions options;
  options.name = DefaultName();
  options.build_version = VICO_VERSION;
  vico::worker::EngineFlags flags;
  flags.threads = vico::worker::AvailableCores();
  CLI::App app("Leases jobs from a Vico server and runs them in an engine process.");
  app.set_version_flag("--version", VICO_VERSION);
  app.add_option("--server", server,
                 "Workers' listener of the server: host:port, https://host:port or unix:path")
      ->required();
  app.add_option("--cert", tls.certificate,
                 "Client certificate in PEM that names vico://worker/NAME; turns on mutual TLS")
      ->type_name(vico::kFileType);
  app.add_option("--key", tls.key, "Private key of the certificate in PEM")
      ->type_name(vico::kFileType);
  app.add_option("--ca", tls.ca, "CA of the server's certificate in PEM")
      ->type_name(vico::kFileType);
  vico::worker::AddEngineFlags(app, flags);
  app.add_option("--name", options.name, "Name of this worker, unique among the server's workers")
      ->capture_default_str();
  app.add_option("--ready-file", ready_file,
                 "File that exists from the first registration, with loaded base models, until the "
                 "worker ends")
      ->type_name(vico::kFileType);
  app.add_option(
         "--otlp-endpoint", otlp_endpoint,
         "OTLP collector for the spans of jobs, such as http://collector:4318; /v1/traces is "
         "appended")
      ->envname("OTEL_EXPORTER_OTLP_ENDPOINT");
  app.add_option("--engine", engine_program, "Path of the engine program")
      ->type_name(vico::kFileType)
      ->capture_default_str();
  vico::AddNumber(
      app, "--hang-seconds", hang_seconds,
      fmt::format("Kill an engine that sends nothing for this long during a job; the job continues "
                  "from its last checkpoint; 0: {} on a CPU, {} on a GPU",
                  kHangSecondsCpu, kHangSecondsGpu),
      {0.0, 86400.0});
  if (const auto exit_code = vico::ParseFlags(app, argc, argv)) return *exit_code;

  const auto log = vico::Log::ToStderr("vico-worker", flags.log_level);
  if (!log.ok()) {
    Fail(log.status());
    return 2;
  }
  if (!ready_file.empty() && !MayBeReadyFile(ready_file)) {
    Fail(vico::FieldError("--ready-file",
                          fmt::format("must be a new file, and {} is there", ready_file)));
    return 2;
  }
  const auto link = vico::worker::OpenServerLink("--server", server, tls);
  if (!link.ok()) {
    Fail(link.status());
    return 2;
  }
  const auto spans = vico::OtlpExporter::ForProgram({"vico-worker", VICO_VERSION, options.name},
                                                    otlp_endpoint, otlp_headers, *log);
  if (!spans.ok()) {
    Fail(spans.status());
    return 2;
  }
  options.spans = spans->get();
  vico::worker::EngineProcessOptions engine_options;
  engine_options.command = {engine_program};
  for (std::string& argument : vico::worker::EngineArguments(flags)) {
    engine_options.command.push_back(std::move(argument));
  }
  const auto engine = vico::worker::EngineProcess::Open(engine_options, *log);
  if (!engine.ok()) return Fail(engine.status());
  if (hang_seconds == 0)
    hang_seconds = (*engine)->device().starts_with("cpu") ? kHangSecondsCpu : kHangSecondsGpu;
  (*engine)->SetHang(absl::Seconds(hang_seconds));

  // Longer than the engine's limit: only a bug in this process can reach it.
  options.hang = absl::Seconds(2 * hang_seconds);
  options.on_hang = [&log] {
    log->Error("the worker hangs; exiting, so that a new process can replace it");
    std::_Exit(1);
  };
  options.batch_jobs = flags.batch_jobs;
  options.jitter_seed = std::hash<std::string>{}(options.name);
  const ReadyFile ready(ready_file);
  options.on_registered = [&ready, &log] {
    if (!ready.Create()) log->Warning("cannot create the ready file", {{"path", ready.path()}});
  };
  const vico::SystemClock clock;
  vico::worker::SystemPause pause;
  vico::worker::Worker worker(**link, **engine, clock, pause, log->With({{"worker", options.name}}),
                              options);
  const absl::Status end = worker.Run(signals.token());
  if (!end.ok()) return Fail(end);
  log->Info("drained");
  return 0;
}
