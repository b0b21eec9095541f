// What `vico` ends with, for scripts to go by.
#pragma once

#include <string>

#include <absl/status/status.h>

namespace vico::client {

enum ExitCode : int {
  kExitOk = 0,
  kExitOther = 1,
  kExitInvalidArgument = 2,  ///< the command line, or what the server says of a field
  kExitNotFound = 3,
  kExitFailedPrecondition = 4,
  kExitUnavailable = 5,  ///< no server, or no answer in time
  kExitResourceExhausted = 6,
  kExitJobFailed = 7,
  kExitJobCancelled = 8,
  kExitInterrupted = 130,  ///< Ctrl-C; a job that was watched goes on
};

/// The table, as `vico --help` prints it.
extern const char* const kExitCodeHelp;

ExitCode ExitCodeOf(const absl::Status& status);

/// Lines for stderr: one "error: train.steps: must be ..." for each field at fault, else the
/// message, with the status code where the message alone would not do.
std::string ErrorText(const absl::Status& status);

}  // namespace vico::client
