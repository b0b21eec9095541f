// The connection settings: server, certificates and API key. They come from flags, the environment
// or a file, in this order. The key is not a flag, since every user of the machine can read command
// lines.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <absl/status/statusor.h>

#include "common/crypto/sensitive.h"

namespace vico::client {

/// Values of flags; empty: not given.
struct ConnectionFlags {
  std::string server;    ///< host:port
  std::string ca;        ///< file
  std::string key_file;  ///< file
  std::string cert;      ///< file, of an operator
  std::string cert_key;  ///< file
};

struct Settings {
  std::string server;
  std::string server_source;  ///< where `server` was found: "--server", "VICO_SERVER", a file
  std::string ca;             ///< file; empty: no TLS on loopback, else the CAs of the system
  Sensitive key;              ///< empty: none
  std::string admin_server;   ///< host:port of the workers' listener, for operators
  std::string admin_server_source;
  std::string cert;      ///< file, of an operator; empty: no TLS, loopback only
  std::string cert_key;  ///< file
};

/// Returns the value of an environment variable; empty if it is not set.
using Environment = std::function<std::string(const char* name)>;

/// Reads flags, then VICO_SERVER, VICO_CA, VICO_KEY, VICO_KEY_FILE, VICO_ADMIN_SERVER, VICO_CERT
/// and VICO_CERT_KEY, then `config`, which may be missing (client/settings/config_file.h). Paths
/// may start with ~/; those in `config` are relative to its folder. kInvalidArgument that names the
/// file for an invalid line, for a key file that cannot be read, for a file with a key that other
/// users can read, and for a key that cannot be sent.
absl::StatusOr<Settings> ReadSettings(const ConnectionFlags& flags, const Environment& environment,
                                      const std::filesystem::path& config);

/// ~/.config/vico/config, or in XDG_CONFIG_HOME; empty if HOME is not set.
std::filesystem::path ConfigPath(const Environment& environment);

}  // namespace vico::client
