// The flags of vico-server for limits.
#pragma once

#include <CLI/CLI.hpp>

#include "server/options.h"

namespace vico::server {

/// `options` holds the defaults and receives the values; it must live until `app` has parsed.
void AddLimitFlags(CLI::App& app, ServerOptions& options);

}  // namespace vico::server
