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

/// Flags for the limits of one listener; `listener` says which one.
void AddConnections(CLI::App& app, const std::string& prefix, ConnectionLimits& limits,
                    const std::string& listener) {
  app.add_option_function<int>(
         prefix + "connections-per-peer",
         [&limits](int limit) {
           limits.per_peer = limit;
           limits.loopback = true;
         },
         fmt::format("Open connections per peer (an IPv4 address or an IPv6 /64) to {}; 0: no "
                     "limit. Loopback is limited only if the flag is given",
                     listener))
      ->check(CLI::Range(0, 1'000'000))
      ->default_str(fmt::format("{}", limits.per_peer))
      ->group(kGroup);
  const std::string total = prefix + "connections-total";
  const std::string help =
      fmt::format("Open connections of all peers to {}; 0: no limit", listener);
  AddNumber(app, total.c_str(), limits.total, help.c_str(), CLI::Range(0, 1'000'000));
}

}  // namespace

void AddLimitFlags(CLI::App& app, ServerOptions& options) {
  JobStoreOptions& jobs = options.storage.jobs;
  AddNumber(app, "--queued-per-tenant", jobs.queued_per_tenant,
            "Queued jobs per tenant; further ones are refused");
  AddNumber(app, "--queued-total", jobs.queued_total,
            "Queued jobs of all tenants; further ones are refused");
  AddNumber(app, "--trainings-per-tenant", jobs.trainings_per_tenant,
            "Running trainings per tenant; further ones stay queued");
  AddNumber(app, "--generations-per-tenant", jobs.generations_per_tenant,
            "Running generations per tenant; further ones stay queued");
  AdmissionLimits& admission = options.services.admission;
  AddNumber(app, "--submits-per-second", admission.submits_per_second,
            "Rate limit of new jobs per tenant", CLI::Range(0.001, 1e6));
  AddNumber(app, "--submit-burst", admission.submit_burst,
            "New jobs per tenant above the rate limit, in a burst");
  AddNumber(app, "--watches-per-tenant", admission.watches_per_tenant, "Open watches per tenant");
  AddNumber(app, "--watches-total", admission.watches_total, "Open watches of all tenants");
  AddNumber(app, "--min-free-share", admission.free_share,
            "Share of the data folder's disk that must be free to accept jobs and uploads",
            CLI::Range(0., 1.));
  AddNumber(app, "--min-free-bytes", admission.free_bytes,
            "Bytes of the data folder's disk that must be free to accept jobs and uploads",
            CLI::NonNegativeNumber);
  AddConnections(app, "--", options.net.client_connections, "--listen");
  AddConnections(app, "--worker-", options.net.worker_connections, "--worker-listen");
  app.add_option_function<double>(
         "--garbage-hours",
         [&options](double hours) { options.storage.garbage_age = absl::Hours(hours); },
         "Age at which a blob without a reference is deleted")
      ->check(CLI::Range(0.0, 24.0 * 365))
      ->default_str(fmt::format("{}", absl::ToDoubleHours(options.storage.garbage_age)))
      ->group(kGroup);
  ClientStreamOptions& uploads = options.services.uploads;
  AddSeconds(app, "--upload-seconds", uploads.limit, "Time limit of a client's upload");
  AddNumber(app, "--upload-bytes-per-second", uploads.bytes_per_second,
            "Lowest average rate of a client's upload, checked after ten seconds",
            CLI::NonNegativeNumber);
  AddSeconds(app, "--generate-seconds", options.services.streams.generate_limit,
             "Time limit of the stream of a Generate call; its job continues");
  AddSeconds(app, "--watch-seconds", options.services.streams.watch_limit,
             "Time limit of the stream of a WatchJob call; clients resume it");
}

}  // namespace vico::server
