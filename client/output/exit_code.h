// The exit codes of `vico`.
#pragma once

#include <string>

#include <absl/status/status.h>

namespace vico::client {

enum ExitCode : int {
  kExitOk = 0,
  kExitOther = 1,
  kExitInvalidArgument = 2,  ///< on the command line, or in a field that the server names
  kExitNotFound = 3,
  kExitFailedPrecondition = 4,
  kExitUnavailable = 5,  ///< no server, or no answer in time
  kExitResourceExhausted = 6,
  kExitJobFailed = 7,
  kExitJobCancelled = 8,
  kExitInterrupted = 130,  ///< Ctrl-C; a watched job keeps running
};

/// The table in `vico --help`.
extern const char* const kExitCodeHelp;

ExitCode ExitCodeOf(const absl::Status& status);

/// Lines for stderr: "error: train.steps: must be ..." for each invalid field, or else the message,
/// with the status code where the message alone is not clear.
std::string ErrorText(const absl::Status& status);

}  // namespace vico::client
