#include "client/settings/config_file.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/flags/suggestions.h"
#include "common/status.h"
#include "common/text/utf8.h"

namespace vico::client {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

const std::vector<std::string>& Names() {
  static const std::vector<std::string> names = {"server",       "ca",   "key",     "key_file",
                                                 "admin_server", "cert", "cert_key"};
  return names;
}

/// "key_file" for "export VICO_KEY_FILE" and "key-file".
std::string NameOf(std::string_view text) {
  constexpr std::string_view kExport = "export ";
  constexpr std::string_view kPrefix = "vico_";
  if (text.starts_with(kExport)) text = Trimmed(text.substr(kExport.size()));
  std::string name(text);
  std::ranges::transform(name, name.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::tolower(c));
  });
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

/// The value without quotes and comment; nullopt for a quote that does not end.
std::optional<std::string> ValueOf(std::string_view text) {
  text = Trimmed(text);
  if (text.empty() || text.front() == '#') return "";
  if (const char quote = text.front(); quote == '"' || quote == '\'') {
    const std::size_t end = text.find(quote, 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = Trimmed(text.substr(end + 1));
    if (!rest.empty() && rest.front() != '#' && rest.front() != ';') return std::nullopt;
    return std::string(text.substr(1, end - 1));
  }
  // A comment follows a blank: # may be part of a path.
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool comment =
        (text[i] == '#' || text[i] == ';') && kBlanks.find(text[i - 1]) != std::string_view::npos;
    if (comment) return std::string(Trimmed(text.substr(0, i)));
  }
  return std::string(text);
}

absl::Status UnknownName(std::string_view file, int number, const std::string& name) {
  // The name is repeated only if it cannot be a part of a key.
  const bool word = name.size() <= 20 && std::ranges::all_of(name, [](unsigned char c) {
                      return c == '_' || (c >= 'a' && c <= 'z');
                    });
  const std::string similar = MostSimilar(name, Names());
  return FieldError(file,
                    fmt::format("line {}: {}{}; the names are {}", number,
                                word && !name.empty() ? fmt::format("there is no setting {}", name)
                                                      : "must be NAME = VALUE",
                                similar.empty() ? "" : fmt::format("; did you mean {}?", similar),
                                fmt::join(Names(), ", ")));
}

}  // namespace

std::string_view Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string WithHome(const std::string& path, const std::string& home) {
  for (const std::string_view name : {"~", "$HOME", "${HOME}"}) {
    const bool starts =
        path.starts_with(name) && (path.size() == name.size() || path[name.size()] == '/');
    if (starts && !home.empty()) return home + path.substr(name.size());
  }
  return path;
}

absl::StatusOr<ConfigLines> ParseConfig(std::string_view file, std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string_view text, TextOf(file, bytes));
  ConfigLines lines;
  std::istringstream input{std::string(text)};
  int number = 0;
  for (std::string whole; std::getline(input, whole);) {
    ++number;
    const std::string_view line = Trimmed(whole);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    const std::size_t equals = line.find('=');
    const std::string name =
        equals == std::string_view::npos ? "" : NameOf(Trimmed(line.substr(0, equals)));
    if (std::ranges::find(Names(), name) == Names().end()) return UnknownName(file, number, name);
    const std::optional<std::string> value = ValueOf(line.substr(equals + 1));
    if (!value) {
      return FieldError(file, fmt::format("line {}: the quote of {} must end, and nothing but a "
                                          "comment may follow it",
                                          number, name));
    }
    if (!IsUtf8(*value) && (name == "server" || name == "admin_server")) {
      return FieldError(file,
                        fmt::format("line {}: {} holds bytes that are not UTF-8", number, name));
    }
    lines[name] = *value;
  }
  return lines;
}

}  // namespace vico::client
