// vico-fault-load: runs many jobs of several tenants while workers and servers are killed and the
// network between them fails. It prints its measurements. Exit code 1 if the checker found a
// violation or a bound was exceeded.
#include <CLI/CLI.hpp>

#include "tests/fault/load.h"

int main(int argc, char** argv) {
  vico::fault::LoadOptions options;
  CLI::App app("Runs many jobs while workers and servers are killed and the network fails.");
  app.add_option("--jobs", options.jobs)->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_option("--workers", options.workers)->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--watchers", options.watchers)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--tenants", options.tenants)->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--partitions", options.partitions,
                 "Network partitions between the workers and the server")
      ->capture_default_str();
  app.add_option("--worker-kills", options.worker_kills)->capture_default_str();
  app.add_option("--server-kills", options.server_kills)->capture_default_str();
  app.add_option("--servers", options.servers,
                 "Servers; several share PostgreSQL and SeaweedFS, behind nginx")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  app.add_flag("--haproxy", options.haproxy, "HAProxy stands before several servers, not nginx");
  app.add_option("--server-drains", options.server_drains)->capture_default_str();
  app.add_option("--database-kills", options.database_kills)->capture_default_str();
  app.add_option("--bucket-outages", options.bucket_outages)->capture_default_str();
  app.add_flag("--wrong-clock", options.wrong_clock, "One server's clock is an hour ahead");
  app.add_option("--lease-seconds", options.lease_seconds)
      ->check(CLI::Range(0.5, 60.0))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Time limit of the run")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return vico::fault::PlayLoad(options) ? 0 : 1;
}
