// The command line tool `vico`.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

#include "client/arguments/arguments.h"
#include "client/cli/commands.h"
#include "client/lib/client.h"
#include "client/output/exit_code.h"
#include "client/output/interrupt.h"
#include "client/output/progress.h"
#include "client/settings/settings.h"
#include "client/terminal/terminal_pictures.h"
#include "common/crypto/random_bits.h"
#include "common/process/core_dumps.h"

namespace client = vico::client;

namespace {

/// The terminal of --show: that of standard error, where everything for people goes, or else of
/// standard output, if no program reads it. Null if there is none that can show more than text.
std::unique_ptr<client::TerminalPictures> OpenTerminal(bool json, const std::string& type) {
  const bool at_err = client::SizeOfTerminal(STDERR_FILENO).has_value();
  const bool at_out = !json && client::SizeOfTerminal(STDOUT_FILENO).has_value();
  if ((!at_err && !at_out) || type == "dumb") return nullptr;
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  const auto size = [at_err] {
    return client::SizeOfTerminal(at_err ? STDERR_FILENO : STDOUT_FILENO)
        .value_or(client::TerminalSize());
  };
  return std::make_unique<client::TerminalPictures>(at_err ? std::cerr : std::cout, size, all);
}

}  // namespace

int main(int argc, char** argv) {
  vico::ForbidCoreDumps();
  const client::ParsedArguments parsed =
      client::ParseArguments(std::vector<std::string>(argv + 1, argv + argc), vico::RandomBits);
  std::cout << parsed.out << std::flush;
  std::cerr << parsed.err << std::flush;
  if (!parsed.arguments) return parsed.exit_code;

  // This program explains errors of connections; gRPC's own log lines only repeat them.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  client::Interrupt interrupt;  // before gRPC starts threads
  const auto environment = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  // These need no settings, so they work with a broken file of them.
  const bool local = std::holds_alternative<client::Version>(parsed.arguments->command) ||
                     std::holds_alternative<client::Completion>(parsed.arguments->command);
  absl::StatusOr<client::Settings> settings = client::Settings();
  if (!local) {
    settings = client::ReadSettings(parsed.arguments->connection, environment,
                                    client::ConfigPath(environment));
  }
  unsetenv("VICO_KEY");  // so that child processes do not inherit it
  if (!settings.ok()) {
    std::cerr << client::ErrorText(settings.status());
    return client::ExitCodeOf(settings.status());
  }
  client::ClientOptions options;
  if (!local) options.server = settings->server;
  options.ca = settings->ca;
  options.key = std::move(settings->key);
  if (std::holds_alternative<client::CompleteWords>(parsed.arguments->command)) {
    options.call_deadline = std::chrono::seconds(1);  // somebody waits at a prompt
  }
  options.trace = vico::ParseTraceparent(environment("TRACEPARENT"), environment("TRACESTATE"))
                      .value_or(vico::TraceContext{});
  const auto connection = client::Client::Open(options, vico::RandomBits);
  if (!connection.ok()) {
    std::cerr << client::ErrorText(connection.status());
    return client::ExitCodeOf(connection.status());
  }
  const auto open_terminal = [&] {
    return OpenTerminal(parsed.arguments->json, environment("TERM"));
  };
  client::CommandContext context{**connection,
                                 interrupt,
                                 std::cout,
                                 std::cerr,
                                 [] { return client::TerminalColumns(STDERR_FILENO); },
                                 parsed.arguments->json,
                                 [&] {
                                   return client::AdminClient::Open(
                                       {.server = settings->admin_server,
                                        .tls = {settings->cert, settings->cert_key, settings->ca}});
                                 },
                                 client::AddressHint(parsed.arguments->command, *settings),
                                 open_terminal};
  const client::ExitCode code = client::RunCommand(parsed.arguments->command, context);
  std::cout << std::flush;
  return std::cout.good() || code != client::kExitOk ? code : client::kExitOther;
}
