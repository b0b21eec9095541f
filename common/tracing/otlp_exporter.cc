#include "common/tracing/otlp_exporter.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <httplib.h>

#include "common/status.h"
#include "common/tracing/otlp_headers.h"

namespace vico {
namespace {

struct Url {
  std::string origin;  ///< http://host:port
  std::string path;    ///< without a trailing slash
};

absl::StatusOr<Url> ParseUrl(const std::string& text) {
  // Before the other errors, which repeat the text: it may hold a password.
  if (text.find('@') != std::string::npos) {
    return FieldError("--otlp-endpoint",
                      "must have no user name or password; a key of the collector goes into "
                      "OTEL_EXPORTER_OTLP_HEADERS");
  }
  const auto wrong = [&] {
    return FieldError("--otlp-endpoint",
                      fmt::format("must look like http://host:4318 or https://host, got \"{}\"",
                                  text.substr(0, 100)));
  };
  const size_t scheme = text.starts_with("http://") ? 7 : text.starts_with("https://") ? 8 : 0;
  if (scheme == 0 || text.find_first_of(" \t\r\n?#") != std::string::npos) return wrong();
  const size_t slash = text.find('/', scheme);
  Url url{text.substr(0, slash), slash == std::string::npos ? "" : text.substr(slash)};
  while (url.path.ends_with('/')) url.path.pop_back();
  std::string host = url.origin.substr(scheme);
  const size_t colon = host.rfind(':');
  if (colon != std::string::npos && !host.ends_with(']')) {
    const std::string port = host.substr(colon + 1);
    const bool digits = !port.empty() && port.size() <= 5 &&
                        port.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || std::stoi(port) > 65535) return wrong();
    host.resize(colon);
  }
  if (host.empty()) return wrong();
  return url;
}

}  // namespace

/// The HTTP connection. One thread at a time.
class OtlpExporter::Collector {
 public:
  Collector(const Url& url, const OtlpHeaders& headers, absl::Duration timeout)
      : path_(url.path + "/v1/traces"), client_(url.origin) {
    for (const auto& [name, value] : headers) headers_.emplace(name, value.Reveal());
    const auto limit = absl::ToChronoMilliseconds(timeout);
    client_.set_connection_timeout(limit);
    client_.set_read_timeout(limit);
    client_.set_write_timeout(limit);
    client_.set_keep_alive(true);
    client_.set_tcp_nodelay(true);
  }

  bool valid() const { return client_.is_valid(); }

  /// Whether the collector accepted the spans.
  bool Post(const std::string& body) {
    const httplib::Result result = client_.Post(path_, headers_, body, "application/json");
    return result && result->status / 100 == 2;
  }

 private:
  const std::string path_;
  httplib::Headers headers_;
  httplib::Client client_;
};

absl::StatusOr<std::unique_ptr<OtlpExporter>> OtlpExporter::Open(const OtlpOptions& options,
                                                                 const Log& log) {
  ASSIGN_OR_RETURN(const Url url, ParseUrl(options.endpoint));
  ASSIGN_OR_RETURN(const OtlpHeaders headers, ParseOtlpHeaders(options.headers));
  auto collector = std::make_unique<Collector>(url, headers, options.timeout);
  if (!collector->valid()) return FieldError("--otlp-endpoint", "cannot be used");
  return std::unique_ptr<OtlpExporter>(new OtlpExporter(options, log, std::move(collector)));
}

absl::StatusOr<std::unique_ptr<OtlpExporter>> OtlpExporter::ForProgram(const OtlpProgram& program,
                                                                       const std::string& endpoint,
                                                                       const Sensitive& headers,
                                                                       const Log& log) {
  if (endpoint.empty()) return nullptr;
  OtlpOptions options{
      .endpoint = endpoint,
      .headers = headers,
      .resource = {{"service.name", program.service}, {"service.version", program.version}}};
  if (!program.instance.empty())
    options.resource.emplace_back("service.instance.id", program.instance);
  return Open(options, log);
}

OtlpExporter::OtlpExporter(const OtlpOptions& options, const Log& log,
                           std::unique_ptr<Collector> collector)
    : options_(options), log_(log), collector_(std::move(collector)), thread_([this] { Run(); }) {}

OtlpExporter::~OtlpExporter() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void OtlpExporter::Add(Span span) {
  if (!span.context.sampled) return;
  {
    const MutexLock lock(mutex_);
    if (queue_.size() >= options_.max_queued) {
      ++counts_.dropped;
      return;
    }
    queue_.push_back(std::move(span));
    if (queue_.size() != 1 && queue_.size() != options_.max_batch) return;
  }
  changed_.NotifyOne();
}

SpanCounts OtlpExporter::counts() const {
  const MutexLock lock(mutex_);
  return counts_;
}

/// Called on the exporter's thread only, since writing to the log may block.
void OtlpExporter::WarnOfDroppedSpans() {
  if (counts_.dropped == warned_dropped_ || absl::Now() - warned_time_ < options_.warn_interval)
    return;
  const uint64_t dropped = warned_dropped_ = counts_.dropped;
  warned_time_ = absl::Now();
  mutex_.unlock();
  log_.Warning("spans are dropped: the collector does not accept them", {{"dropped", dropped}});
  mutex_.lock();
}

void OtlpExporter::Run() {
  // Without this a collector that closes the connection would kill this program.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);

  MutexLock lock(mutex_);
  bool last = false;
  while (!last) {
    changed_.Wait(mutex_, [this] {
      mutex_.AssertHeld();
      return stopping_ || !queue_.empty();
    });
    changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(options_.interval), [this] {
      mutex_.AssertHeld();
      return stopping_ || queue_.size() >= options_.max_batch;
    });
    last = stopping_;
    if (queue_.empty()) break;
    const size_t count = last ? queue_.size() : std::min(queue_.size(), options_.max_batch);
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
    const std::vector<Span> batch(std::make_move_iterator(queue_.begin()),
                                  std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    lock.Unlock();
    const bool accepted = collector_->Post(OtlpJson(options_.resource, batch));
    lock.Lock();
    (accepted ? counts_.sent : counts_.dropped) += count;
    WarnOfDroppedSpans();
  }
}

}  // namespace vico
