// What the commands that watch a job share: they watch it to its end. After Ctrl-C the job keeps
// running and the command prints how to watch it again, or it cancels the job
// (--cancel-on-interrupt).
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include <absl/status/statusor.h>

#include "client/cli/commands.h"
#include "client/output/job_view.h"
#include "client/terminal/terminal_pictures.h"

namespace vico::client {

struct Watched {
  JobView& view;
  bool cancel_on_interrupt = false;
  bool pictures = false;
  std::string options;         ///< of the command to watch the job again, with a blank before each
  bool prints_adapter = true;  ///< that a training made
};

using StartWatch = std::function<absl::StatusOr<v1::Event>(const std::stop_token&)>;

/// Prints how the job ended, and the name of the adapter that a training made.
CommandResult WatchToEnd(const Watched& watched, CommandContext& context, const StartWatch& start);

/// For --show: null without the flag, and without a terminal, which it says on stderr.
std::unique_ptr<TerminalPictures> OpenTerminal(bool show, CommandContext& context);

/// For --dry-run: prints the spec of a job that was only checked.
CommandResult ShowChecked(const absl::StatusOr<v1::Job>& job, CommandContext& context);

/// Says which seeds were drawn, on stderr.
void ShowDrawnSeeds(const std::vector<std::uint64_t>& seeds, CommandContext& context);

}  // namespace vico::client
