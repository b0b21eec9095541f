// An OpenTelemetry collector for tests, on a free loopback port.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "common/mutex.h"

namespace vico {

/// Any thread.
class OtlpCollector {
 public:
  struct ReceivedSpan {
    std::string service;  ///< the resource's service.name
    std::string trace_id, span_id, parent_span_id, tracestate, name;
    int kind = 0;
    int status = 0;
    int64_t begin_ns = 0, end_ns = 0;
    std::map<std::string, std::string> attributes;
  };

  OtlpCollector() {
    server_.Post("/v1/traces", [this](const httplib::Request& request, httplib::Response& answer) {
      if (on_request) on_request();
      answer.status = status;
      if (answer.status == 200) Take(request);
      answer.set_content("{}", "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~OtlpCollector() {
    server_.stop();
    thread_.join();
  }

  /// The value of a header in each accepted request; empty if it is missing.
  std::vector<std::string> header(const std::string& name) const {
    const MutexLock lock(mutex_);
    std::vector<std::string> values;
    for (const auto& headers : headers_) {
      const auto at = headers.find(name);
      values.push_back(at == headers.end() ? "" : at->second);
    }
    return values;
  }

  // Set these before the first request.
  int status = 200;
  std::function<void()> on_request;  ///< called before the answer

  std::string endpoint() const { return fmt::format("http://127.0.0.1:{}", port_); }

  std::vector<ReceivedSpan> spans() const {
    const MutexLock lock(mutex_);
    return spans_;
  }

  /// The bodies of all accepted requests.
  std::string text() const {
    const MutexLock lock(mutex_);
    return text_;
  }

  /// Whether the received spans satisfy `enough` within a minute.
  bool WaitUntil(const std::function<bool(const std::vector<ReceivedSpan>&)>& enough) {
    const MutexLock lock(mutex_);
    return changed_.WaitFor(mutex_, std::chrono::minutes(1), [&] {
      mutex_.AssertHeld();
      return enough(spans_);
    });
  }

 private:
  void Take(const httplib::Request& request) {
    const auto json = nlohmann::json::parse(request.body);
    const MutexLock lock(mutex_);
    text_ += request.body;
    headers_.push_back(request.headers);
    for (const auto& resource : json.at("resourceSpans")) {
      const auto service = Attributes(resource.at("resource"))["service.name"];
      for (const auto& scope : resource.at("scopeSpans")) {
        for (const auto& span : scope.at("spans")) spans_.push_back(One(service, span));
      }
    }
    changed_.NotifyAll();
  }

  static ReceivedSpan One(const std::string& service, const nlohmann::json& span) {
    return {.service = service,
            .trace_id = span.at("traceId"),
            .span_id = span.at("spanId"),
            .parent_span_id = span.value("parentSpanId", ""),
            .tracestate = span.value("traceState", ""),
            .name = span.at("name"),
            .kind = span.at("kind"),
            .status = span.at("status").at("code"),
            .begin_ns = std::stoll(span.at("startTimeUnixNano").get<std::string>()),
            .end_ns = std::stoll(span.at("endTimeUnixNano").get<std::string>()),
            .attributes = Attributes(span)};
  }

  static std::map<std::string, std::string> Attributes(const nlohmann::json& owner) {
    std::map<std::string, std::string> all;
    for (const auto& attribute : owner.at("attributes")) {
      const auto& value = attribute.at("value").front();
      all[attribute.at("key")] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    return all;
  }

  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<ReceivedSpan> spans_ ABSL_GUARDED_BY(mutex_);
  std::string text_ ABSL_GUARDED_BY(mutex_);
  std::vector<httplib::Headers> headers_ ABSL_GUARDED_BY(mutex_);  // of each request
};

}  // namespace vico
