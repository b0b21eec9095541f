// Exports spans to an OpenTelemetry collector with OTLP over HTTP, on its own thread. Spans that
// the collector does not accept are dropped and counted; no caller ever waits for the collector.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/crypto/sensitive.h"
#include "common/log.h"
#include "common/mutex.h"
#include "common/tracing/otlp_json.h"
#include "common/tracing/span.h"

namespace vico {

struct OtlpOptions {
  std::string endpoint;  ///< http:// or https://, host, optional port and path; spans are posted to
                         ///< {endpoint}/v1/traces
  Sensitive headers{};   ///< sent with each request; the format of ParseOtlpHeaders()
  SpanResource resource{};
  size_t max_queued = 2048;                          ///< spans; further ones are dropped
  size_t max_batch = 512;                            ///< spans per request
  absl::Duration interval = absl::Seconds(1);        ///< a span waits this long for others
  absl::Duration timeout = absl::Seconds(2);         ///< to connect, and again for the answer
  absl::Duration warn_interval = absl::Seconds(60);  ///< between two warnings of dropped spans
};

/// The program that exports spans.
struct OtlpProgram {
  std::string service;
  std::string version;
  std::string instance{};  ///< empty: the only one of this service
};

/// Any thread.
class OtlpExporter final : public SpanSink {
 public:
  /// kInvalidArgument that names --otlp-endpoint or OTEL_EXPORTER_OTLP_HEADERS for invalid options.
  /// Nothing is sent before the first span.
  static absl::StatusOr<std::unique_ptr<OtlpExporter>> Open(const OtlpOptions& options,
                                                            const Log& log);
  /// For the flag of a program: null if `endpoint` is empty.
  static absl::StatusOr<std::unique_ptr<OtlpExporter>> ForProgram(const OtlpProgram& program,
                                                                  const std::string& endpoint,
                                                                  const Sensitive& headers,
                                                                  const Log& log);

  /// Sends the queued spans in one last request. Takes at most four timeouts plus the name lookup.
  ~OtlpExporter() override;

  void Add(Span span) override;

  /// Dropped spans: the queue was full, or the collector did not accept them.
  SpanCounts counts() const override;

 private:
  class Collector;
  OtlpExporter(const OtlpOptions& options, const Log& log, std::unique_ptr<Collector> collector);
  void Run();
  void WarnOfDroppedSpans() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const OtlpOptions options_;
  const Log log_;
  const std::unique_ptr<Collector> collector_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Span> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  SpanCounts counts_ ABSL_GUARDED_BY(mutex_);
  // Of the last warning: counts_.dropped, and its time.
  uint64_t warned_dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time warned_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::thread thread_;
};

}  // namespace vico
