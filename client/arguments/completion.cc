#include "client/arguments/completion.h"

#include <algorithm>
#include <string_view>

#include <absl/strings/str_split.h>
#include <fmt/format.h>

namespace vico::client {
namespace {

constexpr char kBash[] = R"sh(# bash completion of vico: eval "$(vico completion bash)"
_vico() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <(vico __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _vico vico
)sh";

constexpr char kZsh[] = R"sh(#compdef vico
# zsh completion of vico: eval "$(vico completion zsh)"
_vico() {
  local -a words_found
  words_found=("${(@f)$(vico __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  words_found=("${(@)words_found:#}")
  if (( ${#words_found} )); then
    compadd -a words_found
  else
    _files
  fi
}
compdef _vico vico
)sh";

constexpr char kFish[] = R"sh(# fish completion of vico: vico completion fish | source
function __vico_complete
    set -l words (commandline -opc) (commandline -ct)
    vico __complete $words[2..-1] 2>/dev/null
end
complete -c vico -a '(__vico_complete)'
)sh";

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::string CollectionOf(const CLI::Option& positional) {
  const std::string name = positional.get_name(true);
  if (name == "CONCEPT") return "concepts";
  if (name == "ADAPTER") return "adapters";
  return name == "JOB" ? "jobs" : "";
}

/// The names of a choice from its type: "paper|mmagic".
std::vector<std::string> ChoicesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (type.find('|') == std::string::npos) return {};
  // CLI11 adds the check's own list: "paper|mmagic:{mmagic,paper}".
  return absl::StrSplit(type.substr(0, type.find(':')), '|');
}

/// How far the words before the last one lead.
struct Position {
  CLI::App* app;
  CLI::Option* option = nullptr;  // whose value the last word is
  std::size_t positionals = 0;    // words that are no options, for `app`
};

CLI::Option* FindOption(CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent()) {
    if (CLI::Option* const option = app->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

CLI::App* Subcommand(CLI::App& app, const std::string& name) {
  const auto found = app.get_subcommands([&](CLI::App* one) { return one->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

Position Follow(CLI::App& app, const std::vector<std::string>& words) {
  Position position{&app};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (position.option != nullptr) {
      position.option = nullptr;
      continue;
    }
    const std::string& word = words[i];
    if (word.starts_with('-') && word != "-") {
      CLI::Option* const option = FindOption(position.app, word.substr(0, word.find('=')));
      const bool open = option != nullptr && TakesValue(*option);
      if (open && word.find('=') == std::string::npos) position.option = option;
    } else if (CLI::App* const next = Subcommand(*position.app, word)) {
      position.app = next;
      position.positionals = 0;
    } else {
      ++position.positionals;
    }
  }
  return position;
}

std::vector<std::string> OptionNames(CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::vector<std::string> Values(const CLI::Option& option, const IdSource& ids) {
  const std::string collection = CollectionOf(option);
  if (collection.empty()) return ChoicesOf(option);
  std::vector<std::string> values = ids(collection);
  if (!values.empty()) values.emplace_back("@last");
  return values;
}

std::vector<std::string> WordsAt(const Position& position, const IdSource& ids) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand :
       position.app->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(subcommand->get_name());
  }
  if (!names.empty()) return names;
  std::size_t index = 0;
  for (const CLI::Option* option : position.app->get_options()) {
    if (option->get_positional() && index++ == position.positionals) return Values(*option, ids);
  }
  return {};
}

}  // namespace

std::vector<std::string> Completions(CLI::App& app, const std::vector<std::string>& words,
                                     const IdSource& ids) {
  const std::string begun = words.empty() ? "" : words.back();
  const Position position = Follow(app, words);
  std::vector<std::string> found = position.option != nullptr ? Values(*position.option, ids)
                                   : begun.starts_with('-')   ? OptionNames(position.app)
                                                              : WordsAt(position, ids);
  std::erase_if(found, [&](const std::string& word) { return !word.starts_with(begun); });
  return found;
}

std::string CompletionScript(const std::string& shell) {
  if (shell == "zsh") return kZsh;
  return shell == "fish" ? kFish : kBash;
}

}  // namespace vico::client
