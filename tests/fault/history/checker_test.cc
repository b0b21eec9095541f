// Tests of the checker: a correct run has no violation, and each incorrect run has the expected
// one.
#include "tests/fault/history/checker.h"

#include <functional>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/jobs/job.h"

namespace vico::fault {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000;

/// A training with two attempts, of which the first worker died and the second finished, and a
/// generation that was cancelled while it ran.
struct CorrectRun {
  History history;
  Snapshot snapshot;
  CheckOptions options{.lease_us = kSecond, .queued_per_tenant = 2, .gc_age_seconds = 100};

  v1::Event& Add(StoredJob& stored, int attempt, int64_t second) {
    v1::Event& event = stored.events.emplace_back();
    event.set_sequence(stored.events.size());
    event.set_attempt(attempt);
    event.mutable_time()->set_seconds(second);
    stored.event_numbers.push_back(static_cast<int64_t>(stored.events.size()));
    stored.job.set_last_sequence(stored.events.size());
    return event;
  }

  static v1::BlobRef Ref(char digit, uint64_t size) {
    v1::BlobRef ref;
    ref.set_sha256(std::string(64, digit));
    ref.set_size_bytes(size);
    return ref;
  }

  void AddWorker(const std::string& what, int attempt, int64_t called, int64_t step = 0) {
    WorkerRecord record;
    record.what = what;
    record.worker = fmt::format("worker-{}", attempt);
    record.job = "jobs/a";
    record.lease_id = fmt::format("lease-{}", attempt);
    record.attempt = attempt;
    record.called_us = called;
    record.answered_us = called + 1000;
    record.code = "OK";
    record.step = step;
    history.workers.push_back(record);
  }

  void AddCall(ClientCall::Kind kind, const std::string& job, int64_t called, v1::JobState state,
               uint64_t last_sequence, bool cancelled = false) {
    ClientCall call;
    call.kind = kind;
    call.called_us = called;
    call.answered_us = called + 1000;
    call.job = job;
    if (kind == ClientCall::Kind::kSubmit) call.request_id = "request " + job;
    call.state = state;
    call.last_sequence = last_sequence;
    call.cancel_requested = cancelled;
    history.calls.push_back(call);
  }

  void AddStream(const std::string& job, uint64_t after) {
    WatchStream stream;
    stream.job = job;
    stream.after_sequence = after;
    const auto& events = snapshot.jobs[job].events;
    stream.events.assign(events.begin() + static_cast<std::ptrdiff_t>(after), events.end());
    history.streams.push_back(stream);
  }

  CorrectRun() {
    StoredJob& a = snapshot.jobs["jobs/a"];
    a.tenant = "default";
    a.job.set_name("jobs/a");
    a.job.set_kind(v1::JOB_KIND_TRAINING);
    a.job.set_state(v1::JOB_STATE_SUCCEEDED);
    a.job.set_attempt(2);
    a.job.set_adapter("adapters/a");
    Add(a, 0, 1).mutable_queued();
    Add(a, 1, 2).mutable_started();
    Add(a, 1, 3).mutable_progress()->set_step(1);
    Add(a, 1, 5).mutable_queued();
    Add(a, 2, 6).mutable_started();
    Add(a, 2, 7).mutable_progress()->set_step(1);
    Add(a, 2, 8).mutable_progress()->set_step(2);
    Add(a, 2, 9).mutable_succeeded()->set_adapter("adapters/a");

    StoredJob& b = snapshot.jobs["jobs/b"];
    b.tenant = "default";
    b.job.set_name("jobs/b");
    b.job.set_kind(v1::JOB_KIND_GENERATION);
    b.job.set_state(v1::JOB_STATE_CANCELLED);
    b.job.set_attempt(1);
    b.job.set_cancel_requested(true);
    Add(b, 0, 1).mutable_queued();
    Add(b, 1, 2).mutable_started();
    *Add(b, 1, 3).mutable_picture()->mutable_blob() = Ref('c', 7);
    Add(b, 1, 4).mutable_cancelled();

    v1::Adapter adapter;
    adapter.set_name("adapters/a");
    adapter.set_job("jobs/a");
    *adapter.mutable_blob() = Ref('a', 5);
    *adapter.mutable_reference() = Ref('b', 6);
    snapshot.adapters.emplace_back("default", adapter);
    snapshot.requests[{"default", "request jobs/a"}] = "jobs/a";
    snapshot.requests[{"default", "request jobs/b"}] = "jobs/b";
    snapshot.referenced["default"] = {Ref('a', 5), Ref('b', 6), Ref('c', 7)};
    for (const v1::BlobRef& ref : snapshot.referenced["default"]) {
      snapshot.blobs[{"default", ref.sha256()}] = {ref.size_bytes(), true, 500};
    }

    AddWorker("lease", 1, 2 * kSecond);
    AddWorker("report", 1, 3 * kSecond, 1);
    AddWorker("lease", 2, 6 * kSecond);
    AddWorker("report", 2, 8 * kSecond, 2);
    AddWorker("finish", 2, 9 * kSecond);
    history.workers.back().outcome = "trained";
    history.workers.back().blob = std::string(64, 'a');

    AddCall(ClientCall::Kind::kSubmit, "jobs/a", 1 * kSecond, v1::JOB_STATE_QUEUED, 1);
    AddCall(ClientCall::Kind::kSubmit, "jobs/b", 1 * kSecond, v1::JOB_STATE_QUEUED, 1);
    AddCall(ClientCall::Kind::kGet, "jobs/a", 4 * kSecond, v1::JOB_STATE_RUNNING, 3);
    AddCall(ClientCall::Kind::kCancel, "jobs/b", 3 * kSecond, v1::JOB_STATE_RUNNING, 3, true);
    AddCall(ClientCall::Kind::kGet, "jobs/b", 5 * kSecond, v1::JOB_STATE_CANCELLED, 4, true);
    AddCall(ClientCall::Kind::kGet, "jobs/a", 10 * kSecond, v1::JOB_STATE_SUCCEEDED, 8);
    AddStream("jobs/a", 0);
    AddStream("jobs/a", 3);
    AddStream("jobs/b", 0);
  }

  StoredJob& a() { return snapshot.jobs["jobs/a"]; }
  StoredJob& b() { return snapshot.jobs["jobs/b"]; }
  std::vector<std::string> Violations() const { return Check(history, snapshot, options); }
};

TEST(CheckerTest, ACorrectRunHasNoViolation) { EXPECT_THAT(CorrectRun().Violations(), IsEmpty()); }

struct Wrong {
  std::string name;
  std::string violation;
  std::function<void(CorrectRun&)> make;
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

class IncorrectRunTest : public testing::TestWithParam<Wrong> {};

TEST_P(IncorrectRunTest, HasTheViolation) {
  CorrectRun run;
  GetParam().make(run);
  EXPECT_THAT(run.Violations(), Contains(HasSubstr(GetParam().violation)));
}

ClientCall& CallOf(CorrectRun& run, size_t index) { return run.history.calls[index]; }

INSTANTIATE_TEST_SUITE_P(
    Histories, IncorrectRunTest,
    testing::Values(
        Wrong{"AcknowledgedJobLost", "was acknowledged and does not exist",
              [](CorrectRun& run) { run.snapshot.jobs.erase("jobs/b"); }},
        Wrong{"TwoJobsOfOneRequest", "made jobs/a and jobs/b",
              [](CorrectRun& run) { CallOf(run, 1).request_id = "request jobs/a"; }},
        Wrong{"JobWithoutClient", "no client requested it",
              [](CorrectRun& run) { CallOf(run, 1).request_id = "another"; }},
        Wrong{"JobWithoutRequest", "belongs to 0 requests",
              [](CorrectRun& run) {
                run.snapshot.requests.erase({"default", "request jobs/b"});
              }},
        Wrong{"NotEnded", "did not end",
              [](CorrectRun& run) {
                run.a().events.pop_back();
                run.a().event_numbers.pop_back();
                run.a().job.set_state(v1::JOB_STATE_RUNNING);
                run.a().job.set_last_sequence(7);
              }},
        Wrong{"RowAndEventsDiffer", "its row says failed, its events say succeeded",
              [](CorrectRun& run) { run.a().job.set_state(v1::JOB_STATE_FAILED); }},
        Wrong{"EventMissing", "has number 4",
              [](CorrectRun& run) { run.a().events.erase(run.a().events.begin() + 2); }},
        Wrong{"EventTwice", "progress was stored twice",
              [](CorrectRun& run) { run.a().events[6].mutable_progress()->set_step(1); }},
        Wrong{"PictureTwice", "a picture was stored twice",
              [](CorrectRun& run) {
                run.b().events[3] = run.b().events[2];
                run.b().events[3].set_sequence(4);
              }},
        Wrong{"EventAfterTheEnd", "comes after the end",
              [](CorrectRun& run) { run.Add(run.a(), 2, 10).mutable_warning(); }},
        Wrong{"IllegalChange", "went from queued to succeeded",
              [](CorrectRun& run) { run.a().events[4].mutable_succeeded(); }},
        Wrong{"AttemptThatFalls", "has attempt 1 during attempt 2",
              [](CorrectRun& run) { run.a().events[6].set_attempt(1); }},
        Wrong{"TwoAdapters", "has 2 adapters",
              [](CorrectRun& run) { run.snapshot.adapters.push_back(run.snapshot.adapters[0]); }},
        Wrong{"AdapterOfAFailure", "no succeeded job references it",
              [](CorrectRun& run) { run.snapshot.adapters[0].second.set_job("jobs/b"); }},
        Wrong{"BlobMissing", "is referenced and does not exist",
              [](CorrectRun& run) {
                run.snapshot.blobs.erase({"default", std::string(64, 'b')});
              }},
        Wrong{"BlobTorn", "its bytes do not match the reference",
              [](CorrectRun& run) {
                run.snapshot.blobs[{"default", std::string(64, 'c')}].digest_matches = false;
              }},
        Wrong{"BlobShort", "its bytes do not match the reference",
              [](CorrectRun& run) {
                run.snapshot.blobs[{"default", std::string(64, 'c')}].size_bytes = 6;
              }},
        Wrong{"GarbageKept", "has had no reference for 101 s",
              [](CorrectRun& run) {
                run.snapshot.blobs[{"default", std::string(64, 'd')}] = {1, true, 101};
              }},
        Wrong{"SucceededAfterCancel", "succeeded after it was cancelled",
              [](CorrectRun& run) { run.a().job.set_cancel_requested(true); }},
        Wrong{"CancelForgotten", "its cancel was acknowledged",
              [](CorrectRun& run) { run.b().job.set_cancel_requested(false); }},
        Wrong{"ReadGoesBack", "a read returned an older state than an earlier one",
              [](CorrectRun& run) { CallOf(run, 5).last_sequence = 2; }},
        Wrong{"EndChanges", "a read returned an older state than an earlier one",
              [](CorrectRun& run) {
                run.AddCall(ClientCall::Kind::kGet, "jobs/a", 11 * kSecond, v1::JOB_STATE_FAILED,
                            8);
              }},
        Wrong{"AcknowledgedJobNotFound", "was not found after it was acknowledged",
              [](CorrectRun& run) { CallOf(run, 2).code = absl::StatusCode::kNotFound; }},
        Wrong{"WatchWithGap", "sent event 4 instead of 3",
              [](CorrectRun& run) {
                auto& events = run.history.streams[0].events;
                events.erase(events.begin() + 2);
              }},
        Wrong{"WatchFromTheStart", "sent event 1 instead of 4",
              [](CorrectRun& run) { run.history.streams[1].events = run.a().events; }},
        Wrong{"WatchOfWhatIsNotStored", "which is not stored",
              [](CorrectRun& run) {
                run.history.streams[0].events[2].mutable_progress()->set_step(9);
              }},
        Wrong{"WatchEndsEarly", "a watch ended before the job",
              [](CorrectRun& run) { run.history.streams[0].events.pop_back(); }},
        Wrong{"TwoLeasesAtOnce", "a report of attempt 1 was accepted during attempt 2",
              [](CorrectRun& run) { run.AddWorker("report", 1, 7 * kSecond, 1); }},
        Wrong{"ResultOfAnOldAttempt", "its result is not from the last attempt",
              [](CorrectRun& run) { run.history.workers[4].attempt = 1; }},
        Wrong{"AcknowledgedResultReplaced", "is not the job's result",
              [](CorrectRun& run) { run.history.workers[4].blob = std::string(64, 'e'); }},
        Wrong{"AcknowledgedReportLost", "step 3 of attempt 2 was acknowledged and is not stored",
              [](CorrectRun& run) { run.AddWorker("report", 2, 8 * kSecond, 3); }},
        Wrong{"LeaseTakenEarly", "lost its lease 500 ms after a report",
              [](CorrectRun& run) {
                run.history.workers[1].called_us = 4 * kSecond + kSecond / 2;
                run.history.workers[1].answered_us = 4 * kSecond + kSecond / 2;
              }},
        Wrong{"QuotaExceeded", "jobs were queued when another was accepted",
              [](CorrectRun& run) { run.options.queued_per_tenant = 1; }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace vico::fault
