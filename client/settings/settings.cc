#include "client/settings/settings.h"

#include <fstream>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <sys/stat.h>

#include "client/settings/config_file.h"
#include "common/rpc/metadata.h"
#include "common/status.h"
#include "common/text/utf8.h"

namespace vico::client {
namespace {

constexpr std::string_view kDefaultServer = "127.0.0.1:50051";
constexpr std::string_view kDefaultAdminServer = "127.0.0.1:50052";

absl::StatusOr<std::string> ReadWhole(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return FieldError(path.string(), "is a folder, not a file");
  }
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

/// The key in a text that a person saved or exported. `field` says where it comes from.
absl::StatusOr<Sensitive> KeyIn(std::string_view field, std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string_view text, TextOf(field, bytes));
  Sensitive key(std::string(Trimmed(text)));
  RETURN_IF_ERROR(CheckKey(field, key));
  return key;
}

absl::StatusOr<Sensitive> ReadKey(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadWhole(path));
  RETURN_IF_ERROR(CheckPrivate(path));
  return KeyIn(path.string(), text);
}

absl::StatusOr<ConfigLines> ReadConfig(const std::filesystem::path& path, const std::string& home) {
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) return ConfigLines();
  ASSIGN_OR_RETURN(const std::string text, ReadWhole(path));
  ASSIGN_OR_RETURN(ConfigLines lines, ParseConfig(path.string(), text));
  if (lines.contains("key")) RETURN_IF_ERROR(CheckPrivate(path));
  for (const char* name : {"ca", "key_file", "cert", "cert_key"}) {
    if (!lines.contains(name) || lines[name].empty()) continue;
    lines[name] = (path.parent_path() / WithHome(lines[name], home)).string();
  }
  return lines;
}

}  // namespace

absl::StatusOr<Settings> ReadSettings(const ConnectionFlags& flags, const Environment& environment,
                                      const std::filesystem::path& config) {
  const std::string home = environment("HOME");
  ASSIGN_OR_RETURN(ConfigLines lines, ReadConfig(config, home));
  const auto first = [&](const std::string& flag, const char* variable, const char* line) {
    if (!flag.empty()) return flag;
    std::string value(Trimmed(environment(variable)));
    return value.empty() ? lines[line] : value;
  };
  const auto path = [&](const std::string& flag, const char* variable, const char* line) {
    return WithHome(first(flag, variable, line), home);
  };
  Settings settings;
  const auto source = [&](const char* variable, const char* line) -> std::string {
    if (!flags.server.empty()) return "--server";
    if (!Trimmed(environment(variable)).empty()) return variable;
    return lines[line].empty() ? "the default" : config.string();
  };
  settings.server = first(flags.server, "VICO_SERVER", "server");
  settings.server_source = source("VICO_SERVER", "server");
  if (settings.server.empty()) settings.server = kDefaultServer;
  settings.ca = path(flags.ca, "VICO_CA", "ca");
  settings.admin_server = first(flags.server, "VICO_ADMIN_SERVER", "admin_server");
  settings.admin_server_source = source("VICO_ADMIN_SERVER", "admin_server");
  if (settings.admin_server.empty()) settings.admin_server = kDefaultAdminServer;
  settings.cert = path(flags.cert, "VICO_CERT", "cert");
  settings.cert_key = path(flags.cert_key, "VICO_CERT_KEY", "cert_key");
  const std::string given = flags.key_file.empty() ? environment("VICO_KEY") : "";
  if (!Trimmed(given).empty()) {
    ASSIGN_OR_RETURN(settings.key, KeyIn("VICO_KEY", given));
  } else if (const std::string file = path(flags.key_file, "VICO_KEY_FILE", ""); !file.empty()) {
    ASSIGN_OR_RETURN(settings.key, ReadKey(file));
  } else if (!lines["key"].empty()) {
    ASSIGN_OR_RETURN(settings.key, KeyIn(fmt::format("{}: key", config.string()), lines["key"]));
  } else if (!lines["key_file"].empty()) {
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
