// The command line tool `vico`.
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "client/arguments.h"
#include "client/client.h"
#include "client/commands.h"
#include "client/exit_code.h"
#include "client/interrupt.h"
#include "client/progress.h"
#include "client/retry.h"
#include "client/settings.h"
#include "common/core_dumps.h"

int main(int argc, char** argv) {
  vico::ForbidCoreDumps();
  const vico::ParsedArguments parsed =
      vico::ParseArguments(std::vector<std::string>(argv + 1, argv + argc));
  std::cout << parsed.out << std::flush;
  std::cerr << parsed.err << std::flush;
  if (!parsed.arguments) return parsed.exit_code;

  vico::Interrupt interrupt;  // before gRPC makes threads
  const auto environment = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  auto settings =
      vico::ReadSettings(parsed.arguments->connection, environment, vico::ConfigPath(environment));
  unsetenv("VICO_KEY");  // no child and no dump of the environment needs it
  if (!settings.ok()) {
    std::cerr << vico::ErrorText(settings.status());
    return vico::ExitCodeOf(settings.status());
  }
  vico::ClientOptions options;
  options.server = settings->server;
  options.ca = settings->ca;
  options.key = std::move(settings->key);
  options.trace = vico::ParseTraceparent(environment("TRACEPARENT"), environment("TRACESTATE"))
                      .value_or(vico::TraceContext{});
  const auto client = vico::Client::Open(options, vico::SystemRandomBits());
  if (!client.ok()) {
    std::cerr << vico::ErrorText(client.status());
    return vico::ExitCodeOf(client.status());
  }
  vico::CommandContext context{
      **client,
      interrupt,
      std::cout,
      std::cerr,
      [] { return vico::TerminalColumns(STDERR_FILENO); },
      parsed.arguments->json,
      [&] {
        return vico::AdminClient::Open({.server = settings->admin_server,
                                        .tls = {settings->cert, settings->cert_key, settings->ca}});
      }};
  const vico::ExitCode code = vico::RunCommand(parsed.arguments->command, context);
  std::cout << std::flush;
  return std::cout.good() || code != vico::kExitOk ? code : vico::kExitOther;
}
