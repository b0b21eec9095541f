// vico-engine: the LibTorch side of a worker, which starts it and talks to it through descriptor 3.
// Ends when the worker does. Exit codes: 0 the worker is gone, 1 could not load the base models or
// the channel broke, 2 wrong flags.
#include <csignal>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <sys/stat.h>

#include "common/log.h"
#include "worker/available_cores.h"
#include "worker/engine_flags.h"
#include "worker/process/child.h"
#include "worker/process/engine_server.h"
#include "worker/engine/torch_engine.h"

int main(int argc, char** argv) {
  // A terminal sends its signals to both; it is the worker that decides when to end.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);

  vico::worker::EngineFlags flags;
  flags.threads = vico::worker::AvailableCores();
  CLI::App app("Vico's engine: started by vico-worker, not by hand.");
  app.set_version_flag("--version", VICO_VERSION);
  vico::worker::AddEngineFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  struct stat socket {};
  if (fstat(vico::worker::kChildSocket, &socket) != 0 || !S_ISSOCK(socket.st_mode)) {
    std::fprintf(stderr, "vico-engine: is started by vico-worker, not by hand\n");
    return 2;
  }
  const auto log = vico::Log::ToStderr("vico-engine", flags.log_level);
  if (!log.ok()) return 2;

  vico::worker::FrameChannel channel(vico::worker::kChildSocket);
  const auto engine = vico::worker::OpenTorchEngine({.base_models = flags.base_models,
                                             .tokenizer = flags.tokenizer,
                                             .device = flags.device,
                                             .precision = flags.precision,
                                             .threads = flags.threads,
                                             .code_version = VICO_VERSION},
                                            *log);
  if (!engine.ok()) {
    vico::worker::RefuseToServe(engine.status(), channel).IgnoreError();
    return 1;
  }
  if (const absl::Status served = vico::worker::ServeEngine(**engine, channel); !served.ok()) {
    log->Error("ends", {{"error", std::string(served.message())}});
    return 1;
  }
  return 0;
}
