#include "client/cli/commands.h"

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "client/arguments/completion.h"
#include "client/cli/print_list.h"
#include "client/cli/resolve_names.h"
#include "client/output/output.h"
#include "common/status.h"

namespace vico::client {

std::string AddressHint(const Command& command, const Settings& settings) {
  const bool admin = std::holds_alternative<AdminWorkers>(command) ||
                     std::holds_alternative<AdminQueue>(command) ||
                     std::holds_alternative<AdminDrain>(command);
  return fmt::format("hint: the address {} is from {}; --server names another\n",
                     Printable(admin ? settings.admin_server : settings.server),
                     Printable(admin ? settings.admin_server_source : settings.server_source));
}

ExitCode RunCommand(const Command& command, CommandContext& context) {
  Command complete = command;
  const absl::Status resolved = ResolveNames(context.client, complete);
  const CommandResult result =
      resolved.ok() ? std::visit([&](const auto& chosen) { return Run(chosen, context); }, complete)
                    : CommandResult(resolved);
  if (result.ok()) return *result;
  context.err << ErrorText(result.status());
  if (absl::IsUnavailable(result.status()) && Reason(result.status()).empty()) {
    context.err << context.address_hint;
  }
  context.err << std::flush;
  return ExitCodeOf(result.status());
}

CommandResult Run(const Models& /*command*/, CommandContext& context) {
  ASSIGN_OR_RETURN(const auto models, context.client.ListBaseModels());
  const auto row = [](const v1::BaseModel& model) -> std::vector<std::string> {
    return {model.name(),
            fmt::format("{}", model.resolution()),
            fmt::format("{}", model.context_tokens()),
            fmt::format("{}", model.training_defaults().steps()),
            model.generation_defaults().scheduler(),
            model.available() ? "yes" : "no"};
  };
  PrintItems(models, {"NAME", "RESOLUTION", "TOKENS", "STEPS", "SCHEDULER", "AVAILABLE"}, row,
             context);
  return kExitOk;
}

CommandResult Run(const ShowCapabilities& /*command*/, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Capabilities capabilities, context.client.GetCapabilities());
  if (context.json) {
    context.out << JsonLine(capabilities) << '\n';
    return kExitOk;
  }
  context.out << "server version  " << Printable(capabilities.version()) << "\nschedulers      ";
  for (const std::string& name : capabilities.schedulers()) context.out << Printable(name) << ' ';
  context.out << "\ndialects        ";
  for (const int dialect : capabilities.dialects()) {
    context.out << DialectText(static_cast<v1::Dialect>(dialect)) << ' ';
  }
  context.out << "\npictures        ";
  for (const std::string& format : capabilities.picture_formats()) {
    context.out << Printable(format) << ' ';
  }
  context.out << "\n\n";
  std::vector<std::vector<std::string>> rows = {{"LIMIT", "FROM", "TO"}};
  const std::map<std::string, v1::Range> limits(capabilities.limits().begin(),
                                                capabilities.limits().end());
  for (const auto& [field, range] : limits) {
    rows.push_back({field, fmt::format("{:g}", range.min()), fmt::format("{:.15g}", range.max())});
  }
  context.out << Table(rows);
  return kExitOk;
}

CommandResult Run(const Completion& command, CommandContext& context) {
  context.out << CompletionScript(command.shell);
  return kExitOk;
}

CommandResult Run(const CompleteWords& command, CommandContext& context) {
  constexpr std::size_t kOffered = 50;
  const auto ids = [&](const std::string& collection) -> std::vector<std::string> {
    auto names = NewestNames(context.client, collection, kOffered);
    if (!names.ok()) return {};
    for (std::string& name : *names) name.erase(0, name.find('/') + 1);
    return *std::move(names);
  };
  WithCommandLine([&](CLI::App& app) {
    for (const std::string& word : Completions(app, command.words, ids)) {
      context.out << Printable(word) << '\n';
    }
  });
  return kExitOk;
}

CommandResult Run(const Version& /*command*/, CommandContext& context) {
  if (context.json) {
    context.out << fmt::format("{{\"version\":\"{}\"}}\n", VICO_VERSION);
  } else {
    context.out << fmt::format("vico {}\n", VICO_VERSION);
  }
  return kExitOk;
}

}  // namespace vico::client
