// The subcommands of `vico`, one function each. Output for scripts (names and paths, or JSON lines)
// goes to `out`; progress, warnings and hints for people go to `err`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <ostream>

#include <absl/status/statusor.h>

#include "client/cli/arguments.h"
#include "client/cli/exit_code.h"
#include "client/cli/interrupt.h"
#include "client/lib/admin_client.h"
#include "client/lib/client.h"

namespace vico::client {

struct CommandContext {
  Client& client;
  Interrupt& interrupt;
  std::ostream& out;
  std::ostream& err;
  std::function<std::optional<int>()> columns;  ///< width of the terminal of `err`, if it is one
  bool json = false;
  std::function<absl::StatusOr<std::unique_ptr<AdminClient>>()> open_admin{};
};

/// Runs the command and prints its error, if any, to `context.err`.
ExitCode RunCommand(const Command& command, CommandContext& context);

using CommandResult = absl::StatusOr<ExitCode>;

CommandResult Run(const ConceptsUpload& command, CommandContext& context);
CommandResult Run(const ConceptsList& command, CommandContext& context);
CommandResult Run(const ConceptsShow& command, CommandContext& context);
CommandResult Run(const ConceptsDelete& command, CommandContext& context);
CommandResult Run(const Train& command, CommandContext& context);
CommandResult Run(const JobsList& command, CommandContext& context);
CommandResult Run(const JobsShow& command, CommandContext& context);
CommandResult Run(const JobsWatch& command, CommandContext& context);
CommandResult Run(const JobsCancel& command, CommandContext& context);
CommandResult Run(const JobsRetry& command, CommandContext& context);
CommandResult Run(const JobsDelete& command, CommandContext& context);
CommandResult Run(const AdaptersList& command, CommandContext& context);
CommandResult Run(const AdaptersShow& command, CommandContext& context);
CommandResult Run(const AdaptersDownload& command, CommandContext& context);
CommandResult Run(const AdaptersImport& command, CommandContext& context);
CommandResult Run(const AdaptersDelete& command, CommandContext& context);
CommandResult Run(const Generate& command, CommandContext& context);
CommandResult Run(const AdminWorkers& command, CommandContext& context);
CommandResult Run(const AdminQueue& command, CommandContext& context);
CommandResult Run(const AdminDrain& command, CommandContext& context);
CommandResult Run(const Models& command, CommandContext& context);
CommandResult Run(const ShowCapabilities& command, CommandContext& context);
CommandResult Run(const Version& command, CommandContext& context);

/// Says on stderr that a queued job waits for a worker with its base model, if it does.
void WarnIfNobodyServes(const v1::Job& job, CommandContext& context);

}  // namespace vico::client
