#include "server/limit_flags.h"

#include <chrono>
#include <string>

#include <fmt/format.h>

namespace vico::server {
namespace {

constexpr const char* kGroup = "Limits";
constexpr double kMostSeconds = 7 * 24 * 3600;

using std::chrono::milliseconds;

void AddNumber(CLI::App& app, const char* flag, auto& value, const char* help,
               const CLI::Validator& check = CLI::Range(1, 1'000'000)) {
  app.add_option(flag, value, help)->check(check)->capture_default_str()->group(kGroup);
}

void AddSeconds(CLI::App& app, const char* flag, milliseconds& value, const char* help) {
  const double shown = std::chrono::duration<double>(value).count();
  app.add_option_function<double>(
         flag,
         [&value](double seconds) {
           value = std::chrono::duration_cast<milliseconds>(std::chrono::duration<double>(seconds));
         },
         help)
      ->check(CLI::Range(0.01, kMostSeconds))
      ->default_str(fmt::format("{}", shown))
      ->group(kGroup);
}

/// 0 for none.
void AddConnections(CLI::App& app, const std::string& prefix, ConnectionLimits& limits,
                    const std::string& whose) {
  app.add_option_function<int>(
         prefix + "connections-per-peer",
         [&limits](int most) {
           limits.per_peer = most;
           limits.loopback = true;
         },
         fmt::format("Open connections of one peer (an address; of IPv6 a /64) {}; 0: no limit. "
                     "This machine's own are counted as one peer's only if the flag is given",
                     whose))
      ->check(CLI::Range(0, 1'000'000))
      ->default_str(fmt::format("{}", limits.per_peer))
      ->group(kGroup);
  const std::string total = prefix + "connections-total";
  AddNumber(app, total.c_str(), limits.total, "The same of all peers; 0: no limit",
            CLI::Range(0, 1'000'000));
}

}  // namespace

void AddLimitFlags(CLI::App& app, ServerOptions& options) {
  AddNumber(app, "--queued-per-tenant", options.queued_per_tenant,
            "Waiting jobs; the next one is refused");
  AddNumber(app, "--queued-total", options.queued_total, "The same of all tenants");
  AddNumber(app, "--trainings-per-tenant", options.trainings_per_tenant,
            "Running at once; more wait");
  AddNumber(app, "--generations-per-tenant", options.generations_per_tenant,
            "Running at once; more wait");
  AdmissionLimits& admission = options.admission;
  AddNumber(app, "--submits-per-second", admission.submits_per_second, "New jobs of a tenant",
            CLI::Range(0.001, 1e6));
  AddNumber(app, "--submit-burst", admission.submit_burst, "New jobs at once, after a rest");
  AddNumber(app, "--watches-per-tenant", admission.watches_per_tenant, "Open watches");
  AddNumber(app, "--watches-total", admission.watches_total, "The same of all tenants");
  AddNumber(app, "--min-free-share", admission.free_share,
            "Of the data folder's disk; with less free nothing new is taken in",
            CLI::Range(0., 1.));
  AddNumber(app, "--min-free-bytes", admission.free_bytes, "The same in bytes",
            CLI::NonNegativeNumber);
  AddConnections(app, "--", options.client_connections, "to --listen");
  AddConnections(app, "--worker-", options.worker_connections, "to --worker-listen");
  app.add_option_function<double>(
         "--garbage-hours", [&options](double hours) { options.garbage_age = absl::Hours(hours); },
         "A blob that nothing names is deleted after so long")
      ->check(CLI::Range(0.0, 24.0 * 365))
      ->default_str(fmt::format("{}", absl::ToDoubleHours(options.garbage_age)))
      ->group(kGroup);
  AddSeconds(app, "--upload-seconds", options.uploads.limit, "A client's upload may take so long");
  AddNumber(app, "--upload-bytes-per-second", options.uploads.bytes_per_second,
            "Which an upload must reach on average, after ten seconds", CLI::NonNegativeNumber);
  AddSeconds(app, "--generate-seconds", options.streams.generate_limit,
             "A Generate call streams so long; its job goes on");
  AddSeconds(app, "--watch-seconds", options.streams.watch_limit,
             "A WatchJob call streams so long; clients resume it");
}

}  // namespace vico::server
