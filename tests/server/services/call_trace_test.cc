// Tests of the request ids and traces of calls: in answers, in the log and as spans.
#include <mutex>
#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/ostream_sink.h>

#include "server/jobs/job_phase.h"
#include "server/metrics/call_log.h"
#include "tests/server/server_fixture.h"

namespace vico::server {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Pair;

const std::string kTrace = "0af7651916cd43dd8448eb211c80319c";
const std::string kParent = "b7ad6b7169203331";

class KeptSpans final : public SpanSink {
 public:
  void Add(Span span) override {
    const std::lock_guard lock(mutex_);
    spans_.push_back(std::move(span));
  }
  std::vector<Span> Named(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    std::vector<Span> found;
    for (const Span& span : spans_) {
      if (span.name == name) found.push_back(span);
    }
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Span> spans_;
};

class CallTraceTest : public ServerTest {
 protected:
  CallTraceTest() {
    options_.spans = &spans_;
    Start();
    EXPECT_THAT(Register(), IsOk());
  }
  ~CallTraceTest() override { server_.reset(); }  // before the spans

  /// The request id in the answer of ListJobs to a call with these ones.
  std::string AnsweredId(const std::vector<std::string>& sent) {
    Call call;
    for (const std::string& id : sent) call.AddMetadata("x-request-id", id);
    v1::ListJobsResponse jobs;
    EXPECT_THAT(FromGrpc(jobs_->ListJobs(&call, {}, &jobs)), IsOk());
    const auto found = call.GetServerInitialMetadata().find("x-request-id");
    if (found == call.GetServerInitialMetadata().end()) return "";
    return {found->second.data(), found->second.size()};
  }

  v1::Job CreateTraced(const std::string& traceparent) {
    Call call;
    call.AddMetadata("traceparent", traceparent);
    call.AddMetadata("tracestate", "a=b");
    call.AddMetadata("tracestate", "c=d");
    v1::Job job;
    EXPECT_THAT(FromGrpc(jobs_->CreateGenerationJob(&call, GenerationOf(), &job)), IsOk());
    return job;
  }

  KeptSpans spans_;
};

TEST(CallLogTest, AnErrorWithPrivateTextIsInTheLogUnderItsRequestId) {
  std::ostringstream text;
  const Log log =
      Log::ToSink("vico-server", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  CallNotes notes;
  notes.method = "GetJob";
  notes.request_id = "asked-1";
  LogCall(log, {notes, WithPrivateText(absl::InternalError("database: failed"), "no such column"),
                std::chrono::microseconds(5)});
  const auto line = nlohmann::json::parse(text.str());
  EXPECT_EQ(line.at("level"), "error");
  EXPECT_EQ(line.at("request_id"), "asked-1");
  EXPECT_EQ(line.at("error"), "database: failed");
  EXPECT_EQ(line.at("detail"), "no such column");
}

TEST_F(CallTraceTest, ACallHasTheCallersRequestIdOrANewOne) {
  EXPECT_EQ(AnsweredId({"edge-1.2_3"}), "edge-1.2_3");
  EXPECT_THAT(AnsweredId({}), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_THAT(AnsweredId({"a b"}), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_THAT(AnsweredId({std::string(65, 'a')}), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_THAT(AnsweredId({"one", "two"}), MatchesRegex("[0-9a-f]{32}"));
}

TEST_F(CallTraceTest, RefusedCallsAndStreamsReturnTheirRequestIds) {
  Call refused;
  refused.AddMetadata("x-request-id", "refused");
  v1::Job job;
  EXPECT_FALSE(jobs_->GetJob(&refused, {}, &job).ok());
  EXPECT_THAT(refused.GetServerInitialMetadata(), Contains(Pair("x-request-id", "refused")));

  const v1::Job made = CreateTraced("");
  Call watched;
  watched.AddMetadata("x-request-id", "watched");
  v1::WatchJobRequest request;
  request.set_name(made.name());
  const auto reader = jobs_->WatchJob(&watched, request);
  v1::WatchJobResponse event;
  EXPECT_TRUE(reader->Read(&event));
  EXPECT_THAT(watched.GetServerInitialMetadata(), Contains(Pair("x-request-id", "watched")));
  watched.TryCancel();
}

TEST_F(CallTraceTest, AJobBelongsToTheTraceOfTheCallThatCreatedIt) {
  const v1::Job job = CreateTraced("00-" + kTrace + "-" + kParent + "-01");
  const v1::LeasedJob leased = Leased();
  ASSERT_EQ(leased.job(), job.name());
  v1::FinishRequest finish;
  finish.mutable_released();
  ASSERT_THAT(Finish(finish, leased), IsOk());
  const v1::LeasedJob again = Leased();

  const auto call = spans_.Named("vico.v1.JobService/CreateGenerationJob");
  const auto queued = spans_.Named("queued");
  const auto lease = spans_.Named("lease");
  ASSERT_EQ(call.size(), 1u);
  ASSERT_EQ(queued.size(), 2u);
  ASSERT_EQ(lease.size(), 1u);
  EXPECT_EQ(call[0].parent_span_id, kParent);
  EXPECT_THAT(call[0].attributes, Contains(Pair("vico.job", SpanValue(job.name()))));
  for (const Span& span : {queued[0], queued[1], lease[0]}) {
    EXPECT_EQ(span.context.trace_id, kTrace);
    EXPECT_EQ(span.context.tracestate, "a=b,c=d");
    EXPECT_EQ(span.parent_span_id, call[0].context.span_id);
    EXPECT_LE(span.begin, span.end);
  }
  EXPECT_EQ(lease[0].begin, queued[0].end) << "a worker holds it from the end of its wait";
  EXPECT_EQ(queued[1].begin, lease[0].end) << "and then it waits again";
  EXPECT_EQ(leased.trace().traceparent(), Traceparent(lease[0].context));
  EXPECT_EQ(leased.trace().tracestate(), "a=b,c=d");
  EXPECT_NE(again.trace().traceparent(), leased.trace().traceparent());
}

TEST_F(CallTraceTest, AnUnsampledTraceIsPassedOnWithoutSpans) {
  const std::string unwanted = "00-" + kTrace + "-" + kParent + "-00";
  CreateTraced(unwanted);
  const v1::LeasedJob leased = Leased();
  EXPECT_THAT(leased.trace().traceparent(), MatchesRegex("00-" + kTrace + "-[0-9a-f]{16}-00"));
  EXPECT_THAT(spans_.Named("queued"), IsEmpty());
  EXPECT_THAT(spans_.Named("vico.v1.JobService/CreateGenerationJob"), IsEmpty());
}

TEST_F(CallTraceTest, ACallWithoutATraceStartsOne) {
  CreateTraced("00-nonsense");
  const auto call = spans_.Named("vico.v1.JobService/CreateGenerationJob");
  ASSERT_EQ(call.size(), 1u);
  EXPECT_EQ(call[0].parent_span_id, "");
  EXPECT_THAT(call[0].context.trace_id, MatchesRegex("[0-9a-f]{32}"));
  const auto parsed = ParseTraceparent(Leased().trace().traceparent());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->trace_id, call[0].context.trace_id);
}

TEST_F(CallTraceTest, CallsOfWorkersAreSpansOnlyInsideATrace) {
  EXPECT_THAT(spans_.Named("vico.v1.WorkerService/Register"), IsEmpty());
  EXPECT_THAT(spans_.Named("vico.v1.WorkerService/PutBlob"), IsEmpty());
  Call call;
  call.AddMetadata("traceparent", "00-" + kTrace + "-" + kParent + "-01");
  v1::LeaseRequest request;  // invalid, since it names no worker
  v1::LeaseResponse response;
  EXPECT_FALSE(workers_->Lease(&call, request, &response).ok());
  const auto lease = spans_.Named("vico.v1.WorkerService/Lease");
  ASSERT_EQ(lease.size(), 1u);
  EXPECT_TRUE(lease[0].failed);
  EXPECT_EQ(lease[0].parent_span_id, kParent);
}

/// The lines that LogCall writes for a call with this status.
nlohmann::json Logged(const CallNotes& notes, const absl::Status& status) {
  std::ostringstream out;
  const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out);
  LogCall(Log::ToSink("test", sink), {notes, status});
  return nlohmann::json::parse(out.str());
}

TEST(CallLogTest, EachLogLineHasTheIdsOfItsCall) {
  CallNotes notes;
  notes.method = "Report";
  notes.request_id = "edge-1";
  notes.trace.trace_id = kTrace;
  for (const absl::Status& status : {absl::OkStatus(), absl::InternalError("a bug")}) {
    const auto line = Logged(notes, status);
    EXPECT_EQ(line.at("request_id"), "edge-1");
    EXPECT_EQ(line.at("trace_id"), kTrace);
    EXPECT_EQ(line.at("method"), "Report");
    EXPECT_FALSE(line.contains("job") || line.contains("lease"));
  }
  notes.job = "jobs/1";
  notes.lease = "lease_1";
  const auto line = Logged(notes, absl::DataLossError("a blob"));
  EXPECT_EQ(line.at("job"), "jobs/1");
  EXPECT_EQ(line.at("lease"), "lease_1");
}

}  // namespace
}  // namespace vico::server
