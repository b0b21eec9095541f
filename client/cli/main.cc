// The command line tool `vico`.
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "client/cli/arguments.h"
#include "client/lib/client.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/interrupt.h"
#include "client/cli/progress.h"
#include "client/lib/retry.h"
#include "client/cli/settings.h"
#include "common/core_dumps.h"

int main(int argc, char** argv) {
  vico::ForbidCoreDumps();
  const vico::client::ParsedArguments parsed =
      vico::client::ParseArguments(std::vector<std::string>(argv + 1, argv + argc));
  std::cout << parsed.out << std::flush;
  std::cerr << parsed.err << std::flush;
  if (!parsed.arguments) return parsed.exit_code;

  vico::client::Interrupt interrupt;  // before gRPC makes threads
  const auto environment = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  auto settings =
      vico::client::ReadSettings(parsed.arguments->connection, environment, vico::client::ConfigPath(environment));
  unsetenv("VICO_KEY");  // no child and no dump of the environment needs it
  if (!settings.ok()) {
    std::cerr << vico::client::ErrorText(settings.status());
    return vico::client::ExitCodeOf(settings.status());
  }
  vico::client::ClientOptions options;
  options.server = settings->server;
  options.ca = settings->ca;
  options.key = std::move(settings->key);
  options.trace = vico::ParseTraceparent(environment("TRACEPARENT"), environment("TRACESTATE"))
                      .value_or(vico::TraceContext{});
  const auto client = vico::client::Client::Open(options, vico::client::SystemRandomBits());
  if (!client.ok()) {
    std::cerr << vico::client::ErrorText(client.status());
    return vico::client::ExitCodeOf(client.status());
  }
  vico::client::CommandContext context{
      **client,
      interrupt,
      std::cout,
      std::cerr,
      [] { return vico::client::TerminalColumns(STDERR_FILENO); },
      parsed.arguments->json,
      [&] {
        return vico::client::AdminClient::Open({.server = settings->admin_server,
                                        .tls = {settings->cert, settings->cert_key, settings->ca}});
      }};
  const vico::client::ExitCode code = vico::client::RunCommand(parsed.arguments->command, context);
  std::cout << std::flush;
  return std::cout.good() || code != vico::client::kExitOk ? code : vico::client::kExitOther;
}
