// Which server, whom to trust, and with which key: from flags, the environment or a file, in this
// order. A key never comes on the command line, where everybody on the machine could read it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <absl/status/statusor.h>

#include "common/sensitive.h"

namespace vico::client {

/// As given on the command line; empty: not given.
struct ConnectionFlags {
  std::string server;    ///< host:port
  std::string ca;        ///< file
  std::string key_file;  ///< file
  std::string cert;      ///< file, of an operator
  std::string cert_key;  ///< file
};

struct Settings {
  std::string server;
  std::string ca;            ///< file; empty: plain on this machine, else the system's CAs
  Sensitive key;             ///< empty: none
  std::string admin_server;  ///< host:port of the workers' listener, for operators
  std::string cert;          ///< file, of an operator; empty: plain, on this machine
  std::string cert_key;      ///< file
};

/// The value of an environment variable; empty when it is not set.
using Environment = std::function<std::string(const char* name)>;

/// Flags, then VICO_SERVER, VICO_CA, VICO_KEY, VICO_KEY_FILE, VICO_ADMIN_SERVER, VICO_CERT and
/// VICO_CERT_KEY, then `config`, which may be missing: lines `server = …`, `ca = …`, `key = …`,
/// `key_file = …`, `admin_server = …`, `cert = …`, `cert_key = …`, and comments after #; its
/// paths are relative to its folder. kInvalidArgument, naming the file, for a line that is none of
/// these, a key's file that cannot be read, and one that others can read.
absl::StatusOr<Settings> ReadSettings(const ConnectionFlags& flags, const Environment& environment,
                                      const std::filesystem::path& config);

/// ~/.config/vico/config, or as XDG_CONFIG_HOME says; empty when there is no home.
std::filesystem::path ConfigPath(const Environment& environment);

}  // namespace vico::client
