// vico-engine: the LibTorch process of a worker, which starts it and connects to it by
// descriptor 3. Ends with the worker. Exit codes: 0 the worker has ended; 1 could not load the base
// models, or the channel broke; 2 wrong flags.
#include <csignal>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <sys/stat.h>

#include "common/flags/parse_flags.h"
#include "common/log.h"
#include "worker/available_cores.h"
#include "worker/engine_flags.h"
#include "worker/process/child.h"
#include "worker/serving/engine_server.h"
#include "worker/torch_engine/torch_engine.h"

int main(int argc, char** argv) {
  // A terminal signals the worker, too, which ends this process after it has drained.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);

  vico::worker::EngineFlags flags;
  flags.threads = vico::worker::AvailableCores();
  CLI::App app("The engine process of vico-worker, which starts it.");
  app.set_version_flag("--version", VICO_VERSION);
  vico::worker::AddEngineFlags(app, flags);
  if (const auto exit_code = vico::ParseFlags(app, argc, argv)) return *exit_code;
  struct stat socket {};
  if (fstat(vico::worker::kChildSocket, &socket) != 0 || !S_ISSOCK(socket.st_mode)) {
    std::fprintf(stderr, "vico-engine: must be started by vico-worker\n");
    return 2;
  }
  const auto log = vico::Log::ToStderr("vico-engine", flags.log_level);
  if (!log.ok()) return 2;

  vico::worker::FrameChannel channel(vico::worker::kChildSocket);
  const auto engine =
      vico::worker::OpenTorchEngine({.base_models = flags.base_models,
                                     .tokenizer = flags.tokenizer,
                                     .device = flags.device,
                                     .precision = flags.precision,
                                     .threads = flags.threads,
                                     .prepack_weights = flags.prepack_weights,
                                     .reference_cache_mib = flags.reference_cache_mib,
                                     .clip = flags.clip,
                                     .dino = flags.dino,
                                     .most_generations = flags.batch_jobs,
                                     .most_rows = flags.batch_rows,
                                     .training_share = flags.training_share,
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
