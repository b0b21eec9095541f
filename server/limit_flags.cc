#include "server/limit_flags.h"

#include <chrono>
#include <string>

#include <fmt/format.h>

#include "common/flags/number_flags.h"

namespace vico::server {
namespace {

constexpr const char* kGroup = "Limits";
constexpr double kMostSeconds = 7 * 24 * 3600;

using std::chrono::milliseconds;

template <typename Number>
void AddLimit(CLI::App& app, const std::string& flag, Number& value, const std::string& help,
              const NumberBounds<Number>& bounds = {1, 1'000'000}) {
  AddNumber(app, flag, value, help, bounds)->group(kGroup);
}

void AddSeconds(CLI::App& app, const char* flag, milliseconds& value, const char* help) {
  const double shown = std::chrono::duration<double>(value).count();
  AddNumberOption<double>(
      app, flag, help, {0.01, kMostSeconds},
      [&value](double seconds) {
        value = std::chrono::duration_cast<milliseconds>(std::chrono::duration<double>(seconds));
      })
      ->default_str(fmt::format("{}", shown))
      ->group(kGroup);
}

void AddDays(CLI::App& app, const char* flag, absl::Duration& value, double least,
             const char* help) {
  AddNumberOption<double>(app, flag, help, {least, 3650.0},
                          [&value](double days) { value = absl::Hours(24 * days); })
      ->default_str(fmt::format("{}", absl::ToDoubleHours(value) / 24))
      ->group(kGroup);
}

void AddHours(CLI::App& app, const char* flag, absl::Duration& value, double least,
              const char* help) {
  AddNumberOption<double>(app, flag, help, {least, 24.0 * 365},
                          [&value](double hours) { value = absl::Hours(hours); })
      ->default_str(fmt::format("{}", absl::ToDoubleHours(value)))
      ->group(kGroup);
}

/// Flags for the limits of one listener; `listener` says which one.
void AddConnections(CLI::App& app, const std::string& prefix, ConnectionLimits& limits,
                    const std::string& listener) {
  AddNumberOption<int>(
      app, prefix + "connections-per-peer",
      fmt::format("Open connections per peer (an IPv4 address or an IPv6 /64) to {}; 0: no limit. "
                  "Loopback is limited only if the flag is given",
                  listener),
      {0, 1'000'000},
      [&limits](int limit) {
        limits.per_peer = limit;
        limits.loopback = true;
      })
      ->default_str(fmt::format("{}", limits.per_peer))
      ->group(kGroup);
  const std::string total = prefix + "connections-total";
  const std::string help =
      fmt::format("Open connections of all peers to {}; 0: no limit", listener);
  AddLimit(app, total, limits.total, help, {0, 1'000'000});
}

}  // namespace

void AddLimitFlags(CLI::App& app, ServerOptions& options) {
  JobStoreOptions& jobs = options.storage.jobs;
  AddLimit(app, "--queued-per-tenant", jobs.queued_per_tenant,
           "Queued jobs per tenant; further ones are refused");
  AddLimit(app, "--queued-total", jobs.queued_total,
           "Queued jobs of all tenants; further ones are refused");
  AddLimit(app, "--trainings-per-tenant", jobs.trainings_per_tenant,
           "Running trainings per tenant; further ones stay queued");
  AddLimit(app, "--generations-per-tenant", jobs.generations_per_tenant,
           "Running generations per tenant; further ones stay queued");
  AddLimit(app, "--evaluations-per-tenant", jobs.evaluations_per_tenant,
           "Running evaluations per tenant; further ones stay queued");
  TenantQuota& quota = options.storage.quota;
  AddLimit(app, "--bytes-per-tenant", quota.bytes,
           "Bytes that a tenant may store, garbage included; 0: no limit", {0, uint64_t{1} << 60});
  AddLimit(app, "--adapters-per-tenant", quota.adapters,
           "Adapters that a tenant may have, with those of its trainings in progress; 0: no limit",
           {0, 1'000'000});
  AddLimit(app, "--uploaded-pictures-per-tenant", quota.uploaded_pictures,
           "Pictures that a tenant may have uploaded for its generations; 0: no limit",
           {0, 1'000'000});
  Retention& retention = jobs.retention;
  AddDays(app, "--keep-finished-days", retention.finished_jobs, 0,
          "Age at which a finished job is deleted, its adapter excepted; 0: never");
  AddDays(
      app, "--keep-checkpoints-days", retention.checkpoints, 0,
      "Age at which the last checkpoint of a succeeded training is deleted; until then it can be "
      "continued exactly; 0: none is kept");
  AddDays(app, "--keep-request-days", retention.request_ids, 1,
          "Time after the deletion of a job, concept, adapter or picture during which a repeat of "
          "the request "
          "that created it creates nothing");
  AddHours(app, "--keep-uploaded-pictures-hours", retention.uploaded_pictures, 0.01,
           "Age at which a picture that was uploaded for generations is deleted; jobs keep theirs");
  AdmissionLimits& admission = options.services.admission;
  AddLimit(app, "--submits-per-second", admission.submits_per_second,
           "Rate limit of new jobs per tenant", {0.001, 1e6});
  AddLimit(app, "--submit-burst", admission.submit_burst,
           "New jobs per tenant above the rate limit, in a burst");
  AddLimit(app, "--watches-per-tenant", admission.watches_per_tenant, "Open watches per tenant");
  AddLimit(app, "--watches-total", admission.watches_total, "Open watches of all tenants");
  AddLimit(app, "--min-free-share", admission.free_share,
           "Share of the data folder's disk that must be free to accept jobs and uploads",
           {0., 1.});
  AddLimit(app, "--min-free-bytes", admission.free_bytes,
           "Bytes of the data folder's disk that must be free to accept jobs and uploads", {});
  AddConnections(app, "--", options.net.client_connections, "--listen");
  AddConnections(app, "--worker-", options.net.worker_connections, "--worker-listen");
  AddNumberOption<double>(
      app, "--max-connection-age",
      "Seconds after which a connection takes no more calls; its peer connects again, perhaps to "
      "another server; 0: no limit",
      {0.0, 24.0 * 3600},
      [&options](double seconds) {
        options.net.age.limit = milliseconds(static_cast<int64_t>(seconds * 1000));
      })
      ->default_str("0")
      ->group(kGroup);
  AddSeconds(app, "--max-connection-age-grace", options.net.age.grace,
             "Seconds that calls have then to end; longer than a Lease call waits and an upload "
             "takes");
  AddHours(app, "--garbage-hours", options.storage.garbage_age, 0,
           "Age at which a blob without a reference is deleted");
  AddDays(app, "--keep-deleted-days", options.storage.deleted_objects_grace, 0,
          "Time for which the object of a deleted blob is kept: as long as the database may be "
          "restored to an earlier time");
  ClientStreamOptions& uploads = options.services.uploads;
  AddSeconds(app, "--upload-seconds", uploads.limit, "Time limit of a client's upload");
  AddLimit(app, "--upload-bytes-per-second", uploads.bytes_per_second,
           "Lowest average rate of a client's upload, checked after ten seconds", {});
  CallLimits& calls = options.services.calls;
  AddLimit(app, "--streams-total", calls.streams,
           "Open streams of all clients; a tenant gets half of what the others leave");
  AddLimit(app, "--downloads-total", calls.transfers,
           "Open downloads of all clients; a tenant gets half of what the others leave");
  AddLimit(app, "--uploads-total", options.services.upload_calls.streams,
           "Open uploads of all clients, each with a thread; a tenant gets half of what the others "
           "leave",
           {1, 1000});
  DecodeLimits& decoding = options.services.decoding;
  AddLimit(app, "--pictures-at-once", decoding.places,
           "Pictures decoded at the same time; one tenant leaves a place to the others", {1, 64});
  AddNumberOption<double>(
      app, "--decoding-seconds",
      "Time for decoding pictures that a tenant may use at once; half of the time that passes "
      "returns",
      {1.0, kMostSeconds},
      [&decoding](double seconds) { decoding.budget = absl::Seconds(seconds); })
      ->default_str(fmt::format("{}", absl::ToDoubleSeconds(decoding.budget)))
      ->group(kGroup);
  AddLimit(app, "--calls-total", calls.calls,
           "Unary calls of all clients at the same time; a tenant gets half of what the others "
           "leave");
  AddSeconds(app, "--answer-seconds", options.services.answer_time,
             "Time in which a caller must take an answer, or one message of a stream");
  AddSeconds(app, "--generate-seconds", options.services.streams.generate_limit,
             "Time limit of the stream of a Generate call; its job continues");
  AddSeconds(app, "--watch-seconds", options.services.streams.watch_limit,
             "Time limit of the stream of a WatchJob call; clients resume it");
}

}  // namespace vico::server
