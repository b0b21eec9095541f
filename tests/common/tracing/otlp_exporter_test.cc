// The exporter, connected to a collector in this process.
#include "common/tracing/otlp_exporter.h"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <sstream>

#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include "common/status.h"
#include "tests/support/fake_clock.h"
#include "tests/support/otlp_collector.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace vico {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

std::unique_ptr<OtlpExporter> Opened(const OtlpOptions& options) {
  auto exporter = OtlpExporter::Open(options, Log::Off());
  EXPECT_THAT(exporter, IsOk());
  return *std::move(exporter);
}

Span SomeSpan(const std::string& name) {
  const TraceContext trace = NewTrace();
  return {.context = trace,
          .parent_span_id = "",
          .name = name,
          .begin = absl::FromUnixSeconds(1),
          .end = absl::FromUnixSeconds(2),
          .attributes = {}};
}

TEST(OtlpExporterTest, SpansArriveUnchanged) {
  OtlpCollector collector;
  FakeClock clock;
  const auto parent =
      ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=value");
  {
    const auto exporter =
        Opened({.endpoint = collector.endpoint(), .resource = {{"service.name", "vico-test"}}});
    ActiveSpan span({exporter.get(), *parent}, clock, "train");
    span.Set("vico.job", "jobs/1");
    span.Set("vico.attempt", int64_t{2});
    span.Set("vico.first", true);
    span.SetStatus(Error(absl::StatusCode::kDataLoss, "the text stays here", "BLOB_DIFFERS"));
    clock.Advance(absl::Seconds(3));
  }  // the span ends before the exporter, which sends it
  const auto spans = collector.spans();
  ASSERT_EQ(spans.size(), 1u);
  const auto& span = spans[0];
  EXPECT_EQ(span.service, "vico-test");
  EXPECT_EQ(span.trace_id, parent->trace_id);
  EXPECT_EQ(span.parent_span_id, parent->span_id);
  EXPECT_NE(span.span_id, parent->span_id);
  EXPECT_EQ(span.tracestate, "vendor=value");
  EXPECT_EQ(span.name, "train");
  EXPECT_EQ(span.kind, 1);
  EXPECT_EQ(span.status, 2);
  EXPECT_EQ(span.end_ns - span.begin_ns, 3'000'000'000);
  EXPECT_THAT(span.attributes,
              UnorderedElementsAre(Pair("vico.job", "jobs/1"), Pair("vico.attempt", "2"),
                                   Pair("vico.first", "true"), Pair("error.type", "DATA_LOSS"),
                                   Pair("vico.reason", "BLOB_DIFFERS")));
  EXPECT_THAT(collector.text(), testing::Not(testing::HasSubstr("stays here")));
}

TEST(OtlpExporterTest, UnsampledTracesHaveNoSpans) {
  OtlpCollector collector;
  FakeClock clock;
  {
    const auto exporter = Opened({.endpoint = collector.endpoint()});
    const auto unsampled =
        ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    const ActiveSpan not_sampled({exporter.get(), *unsampled}, clock, "a");
    const ActiveSpan no_trace({exporter.get(), {}}, clock, "b");
    const ActiveSpan no_sink({nullptr, NewTrace()}, clock, "c");
    EXPECT_EQ(not_sampled.context(), *unsampled);
  }
  EXPECT_THAT(collector.spans(), IsEmpty());
}

TEST(OtlpExporterTest, AFullQueueDropsSpansWithoutBlocking) {
  OtlpCollector collector;
  std::promise<void> arrived, release;
  std::atomic<int> requests{0};
  collector.on_request = [&] {
    if (requests++ > 0) return;
    arrived.set_value();
    release.get_future().wait();
  };
  auto exporter = Opened({.endpoint = collector.endpoint(),
                          .max_queued = 10,
                          .max_batch = 1,
                          .interval = absl::ZeroDuration(),
                          .timeout = absl::Seconds(60)});
  exporter->Add(SomeSpan("first"));
  arrived.get_future().wait();  // the collector has the span but does not answer
  for (int i = 0; i < 25; ++i) exporter->Add(SomeSpan("next"));
  EXPECT_EQ(exporter->counts().dropped, 15u);
  EXPECT_EQ(exporter->counts().sent, 0u);
  release.set_value();
  ASSERT_TRUE(collector.WaitUntil([](const auto& spans) { return spans.size() == 11; }));
  exporter.reset();
  EXPECT_EQ(collector.spans().size(), 11u);
}

TEST(OtlpExporterTest, RefusedSpansAreDropped) {
  OtlpCollector collector;
  collector.status = 503;
  std::atomic<int> requests{0};
  collector.on_request = [&] { ++requests; };
  const auto exporter =
      Opened({.endpoint = collector.endpoint(), .interval = absl::ZeroDuration()});
  exporter->Add(SomeSpan("lost"));
  const auto deadline = absl::Now() + absl::Minutes(1);
  while (exporter->counts().dropped == 0 && absl::Now() < deadline) std::this_thread::yield();
  EXPECT_EQ(exporter->counts().dropped, 1u);
  EXPECT_EQ(requests, 1) << "it is not retried";
}

TEST(OtlpExporterTest, AClosedConnectionDropsItsSpans) {
  auto collector = std::make_unique<OtlpCollector>();
  const std::string endpoint = collector->endpoint();
  const auto exporter = Opened({.endpoint = endpoint, .interval = absl::ZeroDuration()});
  exporter->Add(SomeSpan("before"));
  ASSERT_TRUE(collector->WaitUntil([](const auto& spans) { return spans.size() == 1; }));
  collector.reset();  // closes the connection that is kept open
  exporter->Add(SomeSpan("away"));
  const auto deadline = absl::Now() + absl::Minutes(1);
  while (exporter->counts().dropped == 0 && absl::Now() < deadline) std::this_thread::yield();
  EXPECT_EQ(exporter->counts().dropped, 1u);
}

TEST(OtlpExporterTest, RequestsHaveTheHeadersButTheLogDoesNot) {
  OtlpCollector collector;
  std::ostringstream lines;
  const Log log = Log::ToSink("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(lines));
  const Sensitive headers("api-key=can%20ary,x-tenant=vico");
  {
    const auto exporter =
        OtlpExporter::ForProgram({"vico-test", "1"}, collector.endpoint(), headers, log);
    ASSERT_THAT(exporter, IsOk());
    (*exporter)->Add(SomeSpan("one"));
    ASSERT_TRUE(collector.WaitUntil([](const auto& spans) { return spans.size() == 1; }));
    (*exporter)->Add(SomeSpan("two"));
  }
  EXPECT_THAT(collector.header("api-key"), ElementsAre("can ary", "can ary"));
  EXPECT_THAT(collector.header("x-tenant"), ElementsAre("vico", "vico"));
  EXPECT_THAT(collector.header("content-type"),
              ElementsAre("application/json", "application/json"));
  collector.status = 401;  // dropped spans are logged
  {
    const auto exporter =
        OtlpExporter::ForProgram({"vico-test", "1"}, collector.endpoint(), headers, log);
    ASSERT_THAT(exporter, IsOk());
    (*exporter)->Add(SomeSpan("refused"));
  }
  EXPECT_THAT(lines.str(), testing::HasSubstr("spans are dropped"));
  EXPECT_THAT(lines.str(), testing::Not(testing::HasSubstr("ary")));
}

TEST(OtlpExporterTest, AnUntrustedCollectorReceivesNothing) {
  const TempFolder folder;
  const TestAuthority authority;
  WriteIdentity(folder.path(), "collector", authority.Issue(kLocalServer));
  const std::string ca = folder.path() + "/ca.crt";
  std::ofstream(ca) << authority.certificate();
  httplib::SSLServer server((folder.path() + "/collector.crt").c_str(),
                            (folder.path() + "/collector.key").c_str());
  std::atomic<int> requests{0};
  server.Post("/v1/traces", [&](const auto&, auto&) { ++requests; });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread serving([&] { server.listen_after_bind(); });
  const std::string endpoint = fmt::format("https://localhost:{}", port);
  {
    const auto exporter = Opened({.endpoint = endpoint});
    exporter->Add(SomeSpan("to a stranger"));
  }
  EXPECT_EQ(requests, 0);
  setenv("SSL_CERT_FILE", ca.c_str(), 1);
  {
    const auto exporter = Opened({.endpoint = endpoint});
    exporter->Add(SomeSpan("to ours"));
  }
  unsetenv("SSL_CERT_FILE");
  EXPECT_EQ(requests, 1);
  server.stop();
  serving.join();
}

TEST(OtlpExporterTest, TheEndpointIsAUrl) {
  for (const char* wrong :
       {"", "localhost:4318", "ftp://host", "http://", "http://:4318", "http://host:port",
        "http://host:65536", "http://user@host", "http://host/?a=b", "http://a b"}) {
    EXPECT_THAT(OtlpExporter::Open({.endpoint = wrong}, Log::Off()),
                HasCode(absl::StatusCode::kInvalidArgument))
        << wrong;
  }
  for (const char* right :
       {"http://localhost:4318", "https://collector.example/otlp/", "http://[::1]:4318"}) {
    EXPECT_THAT(OtlpExporter::Open({.endpoint = right}, Log::Off()), IsOk()) << right;
  }
}

TEST(OtlpExporterTest, APasswordIsNotRepeated) {
  for (const char* wrong :
       {"http://me:secret@host", "me:secret@host:port", "http://host/@secret"}) {
    const auto exporter = OtlpExporter::Open({.endpoint = wrong}, Log::Off());
    EXPECT_THAT(exporter, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(exporter, HasMessage(testing::Not(testing::HasSubstr("secret"))));
  }
}

}  // namespace
}  // namespace vico
