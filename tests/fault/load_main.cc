// vico-fault-load: many jobs of several tenants while workers and servers are killed and the
// network between them fails; prints what it measured and judges it by the checker. Exit code 1
// when a promise was broken or a bound exceeded. Source: reliability.md section 14, L1.
#include <CLI/CLI.hpp>

#include "tests/fault/load.h"

int main(int argc, char** argv) {
  vico::LoadOptions options;
  CLI::App app("Many jobs while workers and servers are killed and cut off.");
  app.add_option("--jobs", options.jobs)->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_option("--workers", options.workers)->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--watchers", options.watchers)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--tenants", options.tenants)->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--partitions", options.partitions, "Of the workers from the server")
      ->capture_default_str();
  app.add_option("--worker-kills", options.worker_kills)->capture_default_str();
  app.add_option("--server-kills", options.server_kills)->capture_default_str();
  app.add_option("--seconds", options.seconds, "The whole run may take so long")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return vico::PlayLoad(options) ? 0 : 1;
}
