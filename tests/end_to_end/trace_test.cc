// One trace through client, server and worker processes.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/cluster.h"
#include "tests/support/otlp_collector.h"

namespace vico::end_to_end {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kCaller[] = "b7ad6b7169203331";  // the parent span of the client

/// An environment variable that is set while the object exists.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~ScopedVariable() { unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* const name_;
};

using Spans = std::vector<OtlpCollector::ReceivedSpan>;

Spans Named(const Spans& spans, const std::string& service, const std::string& name) {
  Spans found;
  std::copy_if(spans.begin(), spans.end(), std::back_inserter(found), [&](const auto& span) {
    return span.trace_id == kTrace && span.service == service && span.name == name;
  });
  return found;
}

TEST(TraceTest, ServerAndWorkerAddSpansToTheCallersTrace) {
  OtlpCollector collector;
  const ScopedVariable endpoint("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
  const ScopedVariable headers("OTEL_EXPORTER_OTLP_HEADERS", "api-key=canaryheader");
  Cluster cluster;
  ASSERT_TRUE(cluster.StartServer());
  ASSERT_TRUE(cluster.StartWorker());
  const auto uploaded = cluster.NewClient()->UploadConcept(ExamplePictures(), "robot");
  ASSERT_TRUE(uploaded.ok()) << uploaded.status();
  Finished train;
  {
    const ScopedVariable parent("TRACEPARENT", std::string("00-") + kTrace + "-" + kCaller + "-01");
    const ScopedVariable state("TRACESTATE", "vendor=value");
    train = cluster.Vico({"train", uploaded->name(), "--init-word", "robot", "--steps", "2",
                          "--sample-every", "2", "--watch", "--json"});
  }
  ASSERT_EQ(train.exit_code, 0) << train.err;
  EXPECT_THAT(ReadFile("/proc/" + std::to_string(cluster.EnginePid()) + "/environ"),
              AllOf(HasSubstr("OTEL_EXPORTER_OTLP_ENDPOINT"), Not(HasSubstr("canaryheader"))));
  cluster.worker().Signal(SIGTERM);
  ASSERT_EQ(cluster.worker().Wait(std::chrono::seconds(60)), 0);
  cluster.server().Signal(SIGTERM);
  ASSERT_EQ(cluster.server().Wait(std::chrono::seconds(60)), 0);

  // Both sent the key to the collector, and it appears nowhere else.
  EXPECT_THAT(collector.header("api-key"), Each("canaryheader"));
  EXPECT_THAT(cluster.server_log() + cluster.worker_log() + collector.text(),
              Not(HasSubstr("canaryheader")));

  // The programs send pending spans before they end.
  const Spans spans = collector.spans();
  const Spans submit = Named(spans, "vico-server", "vico.v1.JobService/CreateTrainingJob");
  ASSERT_EQ(submit.size(), 1u);
  EXPECT_EQ(submit[0].parent_span_id, kCaller);
  EXPECT_EQ(submit[0].kind, 2) << "SPAN_KIND_SERVER";
  EXPECT_EQ(submit[0].tracestate, "vendor=value");
  const std::string job = submit[0].attributes.at("vico.job");
  const Spans queued = Named(spans, "vico-server", "queued");
  const Spans lease = Named(spans, "vico-server", "lease");
  ASSERT_EQ(queued.size(), 1u);
  ASSERT_EQ(lease.size(), 1u);
  for (const auto& span : {queued[0], lease[0]}) {
    EXPECT_EQ(span.parent_span_id, submit[0].span_id);
    EXPECT_EQ(span.attributes.at("vico.job"), job);
    EXPECT_EQ(span.attributes.at("vico.attempt"), "1");
    EXPECT_LE(span.begin_ns, span.end_ns);
  }
  EXPECT_EQ(queued[0].attributes.at("vico.end"), "lease");
  EXPECT_EQ(lease[0].attributes.at("vico.end"), "finish: result");
  EXPECT_LE(queued[0].end_ns, lease[0].end_ns);

  std::map<std::string, std::string> worker_spans;  // by span id
  for (const char* name : {"download", "train", "upload"}) {
    const Spans found = Named(spans, "vico-worker", name);
    EXPECT_FALSE(found.empty()) << name;
    for (const auto& span : found) {
      EXPECT_EQ(span.parent_span_id, lease[0].span_id) << name;
      EXPECT_EQ(span.tracestate, "vendor=value");
      EXPECT_GE(span.begin_ns, lease[0].begin_ns);
      worker_spans[span.span_id] = name;
    }
  }
  EXPECT_EQ(Named(spans, "vico-worker", "train").size(), 1u);
  for (const auto& span : Named(spans, "vico-worker", "checkpoint")) {
    worker_spans[span.span_id] = span.name;
  }
  for (const auto& [method, within] : {std::pair{"GetBlob", "download"}, {"PutBlob", "upload"}}) {
    const Spans calls = Named(spans, "vico-server", std::string("vico.v1.WorkerService/") + method);
    EXPECT_FALSE(calls.empty()) << method;
    for (const auto& call : calls) {
      const std::string parent = worker_spans[call.parent_span_id];
      EXPECT_TRUE(parent == within || parent == "checkpoint") << method << " in " << parent;
    }
  }

  // The job's events and the worker's log contain the same trace.
  std::map<std::string, std::string> traceparents;  // by kind of event
  std::istringstream lines(train.out);
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("event")) continue;
    for (const char* kind : {"queued", "started"}) {
      if (json["event"].contains(kind)) traceparents[kind] = json["event"][kind]["traceparent"];
    }
  }
  EXPECT_EQ(traceparents["queued"], "00-" + std::string(kTrace) + "-" + submit[0].span_id + "-01");
  EXPECT_EQ(traceparents["started"], "00-" + std::string(kTrace) + "-" + lease[0].span_id + "-01");
  EXPECT_THAT(cluster.worker_log(), HasSubstr(std::string("\"trace_id\":\"") + kTrace));
}

}  // namespace
}  // namespace vico::end_to_end
