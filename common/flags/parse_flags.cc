#include "common/flags/parse_flags.h"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/flags/suggestions.h"
#include "common/plain_text.h"
#include "common/text/utf8.h"

namespace vico {
namespace {

constexpr std::size_t kShownBytes = 200;
constexpr int kExitWrongFlags = 2;

bool HoldsPath(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type == kFileType || type == kFolderType || type == kPathType;
}

/// Makes every option that takes text refuse bytes that are not UTF-8.
void RequireUtf8(CLI::App& app) {
  for (CLI::Option* const option : app.get_options()) {
    if (option->get_items_expected_max() == 0 || HoldsPath(*option)) continue;
    option->check(CLI::Validator(
        [](std::string& text) -> std::string {
          return IsUtf8(text) ? "" : "holds bytes that are not UTF-8";
        },
        ""));
  }
  for (CLI::App* const command : app.get_subcommands(nullptr)) RequireUtf8(*command);
}

/// "--name=" becomes "--name" and "": CLI11 would take the next word as the value.
std::vector<std::string> WithEmptyValues(std::vector<std::string> words) {
  std::vector<std::string> result;
  bool options = true;  // until "--"
  for (std::string& word : words) {
    options = options && word != "--";
    const bool empty_value =
        options && word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1;
    if (empty_value) word.pop_back();
    result.push_back(std::move(word));
    if (empty_value) result.emplace_back();
  }
  return result;
}

/// The innermost command on the command line.
CLI::App& Innermost(CLI::App& app) {
  CLI::App* inner = &app;
  while (!inner->get_subcommands().empty()) inner = inner->get_subcommands().back();
  return *inner;
}

std::vector<std::string> Commands(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

/// Of the command and of those around it, since their options may follow.
std::vector<std::string> Options(CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::string Shown(const std::string& word) { return PlainText(word, kShownBytes); }

/// What is said about a word that the command line does not know; empty if there is none.
std::string UnknownWord(CLI::App& app) {
  CLI::App& inner = Innermost(app);
  for (const std::string& word : app.remaining(true)) {
    if (word == "--") continue;
    if (word.size() > 1 && word.starts_with("-")) {
      const std::string name = word.substr(0, word.find('='));
      const std::string similar = MostSimilar(name, Options(&inner));
      // After "--" an option is a word like others.
      if (similar == name) return fmt::format("{} was not expected here", name);
      return fmt::format("there is no option {}{}", Shown(name),
                         similar.empty() ? "" : fmt::format("; did you mean {}?", similar));
    }
    const std::vector<std::string> commands = Commands(inner);
    if (commands.empty()) return fmt::format("{} was not expected", Shown(word));
    const std::string similar = MostSimilar(word, commands);
    return fmt::format("there is no command {}; {}", Shown(word),
                       similar.empty()
                           ? fmt::format("the commands are {}", fmt::join(commands, ", "))
                           : fmt::format("did you mean {}?", similar));
  }
  return "";
}

std::string ErrorOf(CLI::App& app, const CLI::ParseError& error) {
  // A value that is wrong is said before words that are unknown, which may follow from it.
  const bool wrong_value = error.get_name() == "ValidationError";
  std::string text = wrong_value ? "" : UnknownWord(app);
  if (text.empty()) {
    std::istringstream lines(error.what());
    for (std::string line; std::getline(lines, line);) {
      text += (text.empty() ? "" : "\n") + PlainText(line, std::string::npos);
    }
  }
  return fmt::format("{}\nRun with --help for more information.\n", text);
}

}  // namespace

std::optional<FlagsEnd> ParseFlags(CLI::App& app, std::vector<std::string> words) {
  RequireUtf8(app);
  words = WithEmptyValues(std::move(words));
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  try {
    app.parse(std::move(words));
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return FlagsEnd{kExitWrongFlags, "", ErrorOf(app, error)};
    std::ostringstream out;
    std::ostringstream err;
    app.exit(error, out, err);
    return FlagsEnd{0, out.str(), err.str()};
  }
}

std::optional<int> ParseFlags(CLI::App& app, int argc, const char* const* argv) {
  if (app.get_name().empty() && argc > 0) app.name(argv[0]);
  const auto end = ParseFlags(app, std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
  if (!end) return std::nullopt;
  std::fputs(end->out.c_str(), stdout);
  std::fputs(end->err.c_str(), stderr);
  return end->exit_code;
}

}  // namespace vico
