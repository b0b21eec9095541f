// The command line tool `vico`.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include "client/arguments.h"
#include "client/client.h"
#include "client/commands.h"
#include "client/exit_code.h"
#include "client/interrupt.h"
#include "client/progress.h"
#include "client/retry.h"

int main(int argc, char** argv) {
  const char* const from_environment = std::getenv("VICO_SERVER");
  const std::string default_server = from_environment != nullptr && *from_environment != '\0'
                                         ? from_environment
                                         : vico::ClientOptions().server;
  const vico::ParsedArguments parsed =
      vico::ParseArguments(std::vector<std::string>(argv + 1, argv + argc), default_server);
  std::cout << parsed.out << std::flush;
  std::cerr << parsed.err << std::flush;
  if (!parsed.arguments) return parsed.exit_code;

  vico::Interrupt interrupt;  // before gRPC makes threads
  vico::ClientOptions options;
  options.server = parsed.arguments->server;
  const auto client = vico::Client::Open(options, vico::SystemRandomBits());
  if (!client.ok()) {
    std::cerr << vico::ErrorText(client.status());
    return vico::ExitCodeOf(client.status());
  }
  vico::CommandContext context{**client,
                               interrupt,
                               std::cout,
                               std::cerr,
                               [] { return vico::TerminalColumns(STDERR_FILENO); },
                               parsed.arguments->json};
  const vico::ExitCode code = vico::RunCommand(parsed.arguments->command, context);
  std::cout << std::flush;
  return std::cout.good() || code != vico::kExitOk ? code : vico::kExitOther;
}
