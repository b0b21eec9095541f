// vico-health: exits with 0 if a server is serving, 1 if it is not, 2 for wrong flags.
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "common/flags/number_flags.h"
#include "common/flags/parse_flags.h"
#include "health/check.h"

int main(int argc, char** argv) {  // NOLINT(bugprone-exception-escape): it ends the program
  vico::HealthCheckOptions check;
  double seconds = 4;
  CLI::App app("Checks over a new connection whether a server is serving.");
  app.set_version_flag("--version", VICO_VERSION);
  app.add_option("ADDRESS", check.address, "host:port, https://host:port or unix:path")->required();
  app.add_option("--service", check.service,
                 "Service to check, for example vico.v1.JobService; without it the whole server");
  app.add_flag("--tls", check.tls, "Use TLS; the certificate is not verified");
  vico::AddNumber(app, "--seconds", seconds, "Seconds to wait for an answer", {0.1, 60.0});
  if (const auto exit_code = vico::ParseFlags(app, argc, argv)) return *exit_code;
  check.timeout = absl::Seconds(seconds);
  const absl::Status status = vico::CheckHealth(check);
  if (status.ok()) return 0;
  std::fprintf(stderr, "vico-health: %s\n", std::string(status.message()).c_str());
  return absl::IsInvalidArgument(status) ? 2 : 1;
}
