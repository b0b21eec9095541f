// A flag of vico-server for each limit that an operator may set.
#pragma once

#include <CLI/CLI.hpp>

#include "server/server.h"

namespace vico::server {

/// `options` must live until `app` has parsed; they hold the defaults that the help shows.
void AddLimitFlags(CLI::App& app, ServerOptions& options);

}  // namespace vico::server
