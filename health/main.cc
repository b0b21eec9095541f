// vico-health: exit code 0 when a server serves, 1 when it does not, 2 for wrong flags.
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "health/check.h"

int main(int argc, char** argv) {
  vico::HealthQuestion question;
  double seconds = 4;
  CLI::App app("Asks a server over a new connection whether it serves.");
  app.set_version_flag("--version", VICO_VERSION);
  app.add_option("ADDRESS", question.address, "host:port")->required();
  app.add_option("--service", question.service,
                 "One of its services, as vico.v1.JobService; else the server as a whole");
  app.add_flag("--tls", question.tls, "Over TLS; the certificate is not looked at");
  app.add_option("--seconds", seconds, "How long to wait for an answer")
      ->check(CLI::Range(0.1, 60.0))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  question.patience = absl::Seconds(seconds);
  const absl::Status status = vico::AskHealth(question);
  if (status.ok()) return 0;
  std::fprintf(stderr, "vico-health: %s\n", std::string(status.message()).c_str());
  return absl::IsInvalidArgument(status) ? 2 : 1;
}
