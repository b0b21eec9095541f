// Watches an evaluation and shows the report that it makes: prints it, and saves or draws its
// contact sheet.
#pragma once

#include <string>

#include <absl/status/status.h>

#include "client/cli/commands.h"

namespace vico::client {

struct SheetOptions {
  std::string out;     ///< file .png or folder; empty: the sheet is not saved
  bool force = false;  ///< replace the file
  bool show = false;   ///< draw the sheet in the terminal
};

/// Whether the sheet of the adapter can be saved: before the work. kInvalidArgument that names
/// --out; kAlreadyExists for a file that is there.
absl::Status CheckSheetOut(const std::string& adapter, const SheetOptions& options);

/// The newest report of the adapter. The path of a saved sheet is a line on stdout, with --json on
/// stderr.
CommandResult ShowReport(const std::string& adapter, const SheetOptions& options,
                         CommandContext& context);

/// Watches the evaluation, then shows its report.
CommandResult WatchEvaluation(const v1::Job& evaluation, bool cancel_on_interrupt,
                              const SheetOptions& options, CommandContext& context);

/// The same for the evaluation that the server has queued after the training `training`
/// ("jobs/{id}"), which has succeeded.
CommandResult WatchEvaluationAfter(const std::string& training, bool cancel_on_interrupt,
                                   CommandContext& context);

}  // namespace vico::client
