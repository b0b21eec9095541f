// The subcommands of `vico`, one function each. Output for scripts (names and paths, or JSON lines)
// goes to `out`; progress, warnings and hints for people go to `err`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include <absl/status/statusor.h>

#include "client/arguments/arguments.h"
#include "client/lib/admin_client.h"
#include "client/lib/client.h"
#include "client/output/exit_code.h"
#include "client/output/interrupt.h"
#include "client/terminal/terminal_pictures.h"

namespace vico::client {

struct CommandContext {
  Client& client;
  Interrupt& interrupt;
  std::ostream& out;
  std::ostream& err;
  std::function<std::optional<int>()> columns;  ///< width of the terminal of `err`, if it is one
  bool json = false;
  std::function<absl::StatusOr<std::unique_ptr<AdminClient>>()> open_admin{};
  /// Follows the error of a command that found no server: where the address comes from.
  std::string address_hint{};
  /// The terminal of --show; null without one.
  std::function<std::unique_ptr<TerminalPictures>()> open_terminal{};
};

/// "the address is from VICO_SERVER; --server names another", for the listener that `command`
/// calls.
std::string AddressHint(const Command& command, const Settings& settings);

/// Runs the command and prints its error, if any, to `context.err`.
ExitCode RunCommand(const Command& command, CommandContext& context);

using CommandResult = absl::StatusOr<ExitCode>;

CommandResult Run(const ConceptsUpload& command, CommandContext& context);
CommandResult Run(const ConceptsList& command, CommandContext& context);
CommandResult Run(const ConceptsShow& command, CommandContext& context);
CommandResult Run(const ConceptsUpdate& command, CommandContext& context);
CommandResult Run(const ConceptsDelete& command, CommandContext& context);
CommandResult Run(const PicturesUpload& command, CommandContext& context);
CommandResult Run(const PicturesDelete& command, CommandContext& context);
CommandResult Run(const Train& command, CommandContext& context);
CommandResult Run(const JobsList& command, CommandContext& context);
CommandResult Run(const JobsShow& command, CommandContext& context);
CommandResult Run(const JobsWatch& command, CommandContext& context);
CommandResult Run(const JobsUpdate& command, CommandContext& context);
CommandResult Run(const JobsCancel& command, CommandContext& context);
CommandResult Run(const JobsFinish& command, CommandContext& context);
CommandResult Run(const JobsRetry& command, CommandContext& context);
CommandResult Run(const JobsDelete& command, CommandContext& context);
CommandResult Run(const AdaptersList& command, CommandContext& context);
CommandResult Run(const AdaptersShow& command, CommandContext& context);
CommandResult Run(const AdaptersDownload& command, CommandContext& context);
CommandResult Run(const AdaptersImport& command, CommandContext& context);
CommandResult Run(const AdaptersUpdate& command, CommandContext& context);
CommandResult Run(const AdaptersReport& command, CommandContext& context);
CommandResult Run(const AdaptersContinue& command, CommandContext& context);
CommandResult Run(const AdaptersDelete& command, CommandContext& context);
CommandResult Run(const Evaluate& command, CommandContext& context);
CommandResult Run(const Generate& command, CommandContext& context);
CommandResult Run(const ContactSheet& command, CommandContext& context);
CommandResult Run(const AdminWorkers& command, CommandContext& context);
CommandResult Run(const AdminQueue& command, CommandContext& context);
CommandResult Run(const AdminDrain& command, CommandContext& context);
CommandResult Run(const Models& command, CommandContext& context);
CommandResult Run(const ShowCapabilities& command, CommandContext& context);
CommandResult Run(const Version& command, CommandContext& context);
CommandResult Run(const Completion& command, CommandContext& context);
/// Without a server there are no ids, and no error.
CommandResult Run(const CompleteWords& command, CommandContext& context);

/// Says on stderr that a queued job waits for a worker with its base model, if it does.
void WarnIfNobodyServes(const v1::Job& job, CommandContext& context);

}  // namespace vico::client
