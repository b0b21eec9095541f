// vico-worker: flags -> engine, link, loop; drains on SIGTERM or SIGINT. Exit codes: 0 drained, 1
// could not start, was refused or hung, 2 wrong flags.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/stop_signals.h"
#include "worker/available_cores.h"
#include "worker/retry.h"
#include "worker/server_link.h"
#include "worker/torch_engine.h"
#include "worker/worker.h"

namespace {

constexpr int kHungExit = 1;

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "vico-worker: %s\n", std::string(status.message()).c_str());
  return 1;
}

std::string DefaultName() {
  char host[64] = {};
  if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') std::snprintf(host, 7, "worker");
  return fmt::format("{}-{}", host, vico::NewId().substr(0, 8));
}

}  // namespace

int main(int argc, char** argv) {
  const vico::StopSignals signals;

  std::string server;
  std::string log_level = "info";
  vico::WorkerOptions options;
  options.name = DefaultName();
  options.build_version = VICO_VERSION;
  vico::TorchEngineOptions engine_options;
  engine_options.threads = vico::AvailableCores();
  engine_options.code_version = VICO_VERSION;
  CLI::App app("Vico's worker: leases jobs from a server and runs them.");
  app.set_version_flag("--version", VICO_VERSION);
  app.add_option("--server", server, "The server's address for workers, host:port")->required();
  app.add_option("--base-model", engine_options.base_models,
                 "A base model: a directory in diffusers layout, or one .safetensors file; may be "
                 "given several times")
      ->required();
  app.add_option("--tokenizer", engine_options.tokenizer,
                 "The folder with vocab.json and merges.txt for base models of one file; otherwise "
                 "they are looked for beside it");
  app.add_option("--name", options.name, "Unique among the server's workers")
      ->capture_default_str();
  app.add_option("--threads", engine_options.threads, "Compute threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--device", engine_options.device, "cpu, cuda, or auto: cuda where there is one")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  app.add_option("--log-level", log_level, "debug, info, warning, error or off")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  const auto log = vico::Log::ToStderr("vico-worker", log_level);
  if (!log.ok()) {
    Fail(log.status());
    return 2;
  }
  const auto link = vico::OpenServerLink("--server", server);
  if (!link.ok()) {
    Fail(link.status());
    return 2;
  }
  const auto engine = vico::OpenTorchEngine(engine_options, *log);
  if (!engine.ok()) return Fail(engine.status());

  // A step on a CPU may take minutes with a large base model; on a GPU two minutes mean it is
  // stuck.
  if ((*engine)->device() == "cpu") options.hang = absl::Minutes(30);
  options.on_hang = [&log] {
    log->Error("the engine hangs; ending, so that a fresh process can take over");
    std::_Exit(kHungExit);
  };
  options.jitter_seed = std::hash<std::string>{}(options.name);
  const vico::SystemClock clock;
  vico::SystemPause pause;
  vico::Worker worker(**link, **engine, clock, pause, log->With({{"worker", options.name}}),
                      options);
  const absl::Status end = worker.Run(signals.token());
  if (!end.ok()) return Fail(end);
  log->Info("drained");
  return 0;
}
