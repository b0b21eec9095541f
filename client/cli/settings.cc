#include "client/cli/settings.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/status.h"

namespace vico::client {
namespace {

constexpr std::string_view kDefaultServer = "127.0.0.1:50051";
constexpr std::string_view kDefaultAdminServer = "127.0.0.1:50052";

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

absl::StatusOr<std::string> ReadWhole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // For an empty file this sets the failbit of `text`, not of `file`.
  if (file) text << file.rdbuf();
  if (!file || file.bad()) return FieldError(path.string(), "cannot be read");
  return text.str();
}

/// Refuses a file with a key that other users can read.
absl::Status CheckPrivate(const std::filesystem::path& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return FieldError(path.string(), "holds a key and others can read it; chmod 600 it");
  }
  return absl::OkStatus();
}

absl::StatusOr<Sensitive> ReadKey(const std::filesystem::path& path) {
  RETURN_IF_ERROR(CheckPrivate(path));
  ASSIGN_OR_RETURN(const std::string text, ReadWhole(path));
  Sensitive key(Trimmed(text));
  if (key.empty()) return FieldError(path.string(), "holds no key");
  return key;
}

using Lines = std::map<std::string, std::string>;

absl::StatusOr<Lines> ReadConfig(const std::filesystem::path& path) {
  static const std::set<std::string> names = {"server",       "ca",   "key",     "key_file",
                                              "admin_server", "cert", "cert_key"};
  Lines lines;
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) return lines;
  ASSIGN_OR_RETURN(const std::string text, ReadWhole(path));
  std::istringstream input(text);
  int number = 0;
  for (std::string line; std::getline(input, line);) {
    ++number;
    line = Trimmed(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const size_t equals = line.find('=');
    const std::string name = Trimmed(std::string_view(line).substr(0, equals));
    if (equals == std::string::npos || !names.contains(name)) {
      return FieldError(
          path.string(),
          fmt::format("line {} must be server, ca, key, key_file, admin_server, cert or "
                      "cert_key = …",
                      number));
    }
    lines[name] = Trimmed(std::string_view(line).substr(equals + 1));
  }
  if (lines.contains("key")) RETURN_IF_ERROR(CheckPrivate(path));
  for (const char* name : {"ca", "key_file", "cert", "cert_key"}) {
    if (lines.contains(name)) lines[name] = (path.parent_path() / lines[name]).string();
  }
  return lines;
}

}  // namespace

absl::StatusOr<Settings> ReadSettings(const ConnectionFlags& flags, const Environment& environment,
                                      const std::filesystem::path& config) {
  ASSIGN_OR_RETURN(Lines lines, ReadConfig(config));
  const auto first = [&](const std::string& flag, const char* variable, const char* line) {
    if (!flag.empty()) return flag;
    std::string value = environment(variable);
    return value.empty() ? lines[line] : value;
  };
  Settings settings;
  settings.server = first(flags.server, "VICO_SERVER", "server");
  if (settings.server.empty()) settings.server = kDefaultServer;
  settings.ca = first(flags.ca, "VICO_CA", "ca");
  settings.admin_server = first(flags.server, "VICO_ADMIN_SERVER", "admin_server");
  if (settings.admin_server.empty()) settings.admin_server = kDefaultAdminServer;
  settings.cert = first(flags.cert, "VICO_CERT", "cert");
  settings.cert_key = first(flags.cert_key, "VICO_CERT_KEY", "cert_key");
  Sensitive given(flags.key_file.empty() ? environment("VICO_KEY") : "");
  if (!given.empty()) {
    settings.key = std::move(given);
  } else if (const std::string file = first(flags.key_file, "VICO_KEY_FILE", ""); !file.empty()) {
    ASSIGN_OR_RETURN(settings.key, ReadKey(file));
  } else if (lines.contains("key")) {
    settings.key = Sensitive(lines["key"]);
  } else if (lines.contains("key_file")) {
    ASSIGN_OR_RETURN(settings.key, ReadKey(lines["key_file"]));
  }
  return settings;
}

std::filesystem::path ConfigPath(const Environment& environment) {
  if (const std::string folder = environment("XDG_CONFIG_HOME"); !folder.empty()) {
    return std::filesystem::path(folder) / "vico" / "config";
  }
  const std::string home = environment("HOME");
  return home.empty() ? std::filesystem::path()
                      : std::filesystem::path(home) / ".config/vico/config";
}

}  // namespace vico::client
