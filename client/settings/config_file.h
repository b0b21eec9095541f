// The text of ~/.config/vico/config.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace vico::client {

/// Values by name.
using ConfigLines = std::map<std::string, std::string>;

/// Reads lines `server = …`, `ca = …`, `key = …`, `key_file = …`, `admin_server = …`, `cert = …`
/// and `cert_key = …`, as people write them: with or without quotes, `export ` and the prefix VICO_
/// of the environment variables; comments after # or ;, a byte order mark, line ends of Windows. An
/// empty value counts as none. `file` is the name for errors: kInvalidArgument with the number of
/// the line, but without its text, which may be a key.
absl::StatusOr<ConfigLines> ParseConfig(std::string_view file, std::string_view bytes);

/// The text without white space around it.
std::string_view Trimmed(std::string_view text);

/// The path with the folder `home` in place of ~ or $HOME at its start.
std::string WithHome(const std::string& path, const std::string& home);

}  // namespace vico::client
