// Sends spans to a collector by OTLP over HTTP, on a thread of its own. Tracing is help, not truth:
// what the collector does not take is dropped and counted, and nothing else ever waits for it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/log.h"
#include "common/sensitive.h"
#include "common/tracing/otlp_json.h"
#include "common/tracing/span.h"

namespace vico {

struct OtlpOptions {
  std::string endpoint;  ///< http:// or https://, host, and perhaps port and path; spans are posted
                         ///< to {endpoint}/v1/traces
  Sensitive headers{};   ///< with each request, as ParseOtlpHeaders() takes them
  SpanResource resource{};
  size_t waiting = 2048;                         ///< spans; the next one is dropped
  size_t batch = 512;                            ///< spans in one request, at most
  absl::Duration interval = absl::Seconds(1);    ///< a span waits so long for others
  absl::Duration timeout = absl::Seconds(2);     ///< to connect, and again for the answer
  absl::Duration say_again = absl::Seconds(60);  ///< between two warnings of lost spans
};

/// The program that spans come from.
struct OtlpProgram {
  std::string service;
  std::string version;
  std::string instance{};  ///< empty: there is one of it
};

/// Any thread.
class OtlpExporter final : public SpanSink {
 public:
  /// kInvalidArgument, naming --otlp-endpoint or OTEL_EXPORTER_OTLP_HEADERS, for what is not as
  /// above. Nothing is sent before the first span.
  static absl::StatusOr<std::unique_ptr<OtlpExporter>> Open(const OtlpOptions& options,
                                                            const Log& log);
  /// For a program's flag: null when `endpoint` is empty.
  static absl::StatusOr<std::unique_ptr<OtlpExporter>> ForProgram(const OtlpProgram& program,
                                                                  const std::string& endpoint,
                                                                  const Sensitive& headers,
                                                                  const Log& log);

  /// Sends what waits in one more request: four timeouts at most, beside looking the host up.
  ~OtlpExporter() override;

  void Add(Span span) override;

  /// Dropped: the queue was full, or the collector did not take them.
  SpanCounts counts() const override;

 private:
  class Collector;
  OtlpExporter(const OtlpOptions& options, const Log& log, std::unique_ptr<Collector> collector);
  void Run();
  void SayWhatIsLost(std::unique_lock<std::mutex>& lock);

  const OtlpOptions options_;
  const Log log_;
  const std::unique_ptr<Collector> collector_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // guarded by mutex_
  std::vector<Span> waiting_;
  bool stopping_ = false;
  SpanCounts counts_;
  uint64_t said_dropped_ = 0;                    // of these, said in the log
  absl::Time said_time_ = absl::InfinitePast();  // when
  std::thread thread_;
};

}  // namespace vico
