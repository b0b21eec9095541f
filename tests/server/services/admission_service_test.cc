// Tests of limits and deadlines through calls: at the bound, beyond it, and without effect on
// others.
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>

#include <google/protobuf/util/time_util.h>

#include "google/rpc/error_details.pb.h"
#include "server/sql/sqlite_database.h"
#include "server/store/sql_job_store.h"
#include "tests/server/server_fixture.h"

namespace vico::server {
namespace {

using std::chrono::milliseconds;
using testing::_;
using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class AdmissionServiceTest : public ServerTest {
 protected:
  void Restart() {
    Start();
    ASSERT_THAT(Register(), IsOk());
  }

  v1::Job Queued() {
    const auto job = Create(GenerationOf());
    EXPECT_THAT(job, IsOk());
    return job.ok() ? *job : v1::Job();
  }

  std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>> OpenWatch(Call& call,
                                                                      const std::string& job) {
    v1::WatchJobRequest request;
    request.set_name(job);
    return jobs_->WatchJob(&call, request);
  }

  /// Reports `count` steps of progress, a hundred per call.
  void ReportMany(const v1::LeasedJob& job, int count) {
    for (int at = 0; at < count; at += 100) {
      std::vector<v1::Event> events;
      for (int i = at; i < std::min(count, at + 100); ++i) events.push_back(ProgressAt(i));
      ASSERT_THAT(Report(job, static_cast<uint64_t>(at / 100 + 1), events), IsOk());
    }
  }
};

/// The subject of the quota in an error.
std::string LimitMet(const absl::Status& status) {
  const auto detail = status.GetPayload("type.googleapis.com/google.rpc.QuotaFailure");
  google::rpc::QuotaFailure failure;
  const bool readable = detail.has_value() && failure.ParseFromString(std::string(*detail));
  return readable && failure.violations_size() == 1 ? failure.violations(0).subject() : "";
}

/// A watch that reads only on request.
class SlowWatch final : public grpc::ClientReadReactor<v1::WatchJobResponse> {
 public:
  SlowWatch(v1::JobService::Stub& stub, const std::string& job) {
    request_.set_name(job);
    stub.async()->WatchJob(&call_, &request_, this);
    AddHold();  // for reads outside of reactions
    StartCall();
  }

  void ReadOn() {
    StartRead(&response_);
    RemoveHold();
  }
  void GiveUp() {
    call_.TryCancel();
    RemoveHold();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (response_.has_event() && response_.event().sequence() != ++events_) gaps_ = true;
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override { done_.set_value(FromGrpc(status)); }

  absl::Status Wait() { return done_.get_future().get(); }
  uint64_t events() const { return events_; }  ///< after Wait
  bool gaps() const { return gaps_; }

 private:
  Call call_;
  v1::WatchJobRequest request_;
  v1::WatchJobResponse response_;
  uint64_t events_ = 0;
  bool gaps_ = false;
  std::promise<absl::Status> done_;
};

TEST_F(AdmissionServiceTest, NewJobsAreLimitedByRateAndRepeatsAreNot) {
  options_.services.admission.submit_burst = 2;
  options_.services.admission.submits_per_second = 0.001;
  Restart();
  const auto first = GenerationOf();
  EXPECT_THAT(Create(first), IsOk());
  EXPECT_THAT(Create(GenerationOf()), IsOk());
  const auto refused = Create(GenerationOf());
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasReason("SUBMIT_RATE"));
  EXPECT_EQ(LimitMet(refused.status()), "tenants/default");
  EXPECT_GT(RetryAfter(refused.status()), absl::ZeroDuration());
  EXPECT_THAT(Create(first), IsOk()) << "a repeat makes nothing new";
}

TEST_F(AdmissionServiceTest, TheQueueIsLimited) {
  options_.storage.jobs.queued_per_tenant = 2;
  Restart();
  Queued();
  Queued();
  const auto refused = Create(GenerationOf());
  EXPECT_THAT(refused, HasReason("QUEUE_FULL"));
  EXPECT_GT(RetryAfter(refused.status()), absl::ZeroDuration());
  EXPECT_EQ(LimitMet(refused.status()), "tenants/default");
  options_.storage.jobs.queued_total = 2;
  options_.storage.jobs.queued_per_tenant = 3;
  Restart();
  EXPECT_EQ(LimitMet(Create(GenerationOf()).status()), "server");
}

TEST_F(AdmissionServiceTest, ADatabaseErrorDoesNotShowItsStatementToCallers) {
  Restart();
  const std::string job = Queued().name();
  {
    const auto database = SqliteDatabase::Join(data_ + "/vico.db");
    ASSERT_THAT(database, IsOk());
    ASSERT_THAT((*database)->Write(
                    [](SqlSession& db) { return db.Script("ALTER TABLE event RENAME TO lost"); }),
                IsOk());
  }
  const auto watched = Watch(job, 0);
  EXPECT_THAT(watched, HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(watched, HasReason("DATABASE_FAILED"));
  const std::string answer = watched.status().ToString();
  EXPECT_THAT(answer, testing::HasSubstr("in the server's log"));
  for (const char* text : {"SELECT", "event", "no such table"}) {
    EXPECT_THAT(answer, testing::Not(testing::HasSubstr(text)));
  }
}

TEST_F(AdmissionServiceTest, OpenWatchesAreLimited) {
  options_.services.admission.watches_per_tenant = 2;
  Restart();
  v1::WatchJobRequest request;
  request.set_name(Queued().name());
  Call calls[3];
  v1::WatchJobResponse response;
  const auto first = jobs_->WatchJob(&calls[0], request);
  const auto second = jobs_->WatchJob(&calls[1], request);
  ASSERT_TRUE(first->Read(&response));
  ASSERT_TRUE(second->Read(&response));
  const auto refused = Watch(request.name(), 0);
  EXPECT_THAT(refused, HasReason("TOO_MANY_WATCHES"));
  EXPECT_GT(RetryAfter(refused.status()), absl::ZeroDuration());
  EXPECT_EQ(JobNow(request.name()).state(), v1::JOB_STATE_QUEUED) << "other calls go on";

  calls[0].TryCancel();
  first->Finish();
  ASSERT_TRUE(Eventually([&] { return server_->open_streams() == 1; }));
  const auto third = jobs_->WatchJob(&calls[2], request);
  EXPECT_TRUE(third->Read(&response)) << "a place given back is free";
  for (int i : {1, 2}) calls[i].TryCancel();
  second->Finish();
  third->Finish();
}

TEST_F(AdmissionServiceTest, ANearlyFullDiskRefusesOnlyNewJobsAndUploads) {
  Restart();
  const v1::Job job = Queued();
  options_.services.probe_disk = [] { return DiskSpace{1 << 20, uint64_t{1} << 40}; };
  Restart();
  EXPECT_THAT(Upload(Header(TwoPictures()), {}), HasReason("DISK_NEARLY_FULL"))
      << "before any picture is sent";
  EXPECT_THAT(Create(GenerationOf()), HasReason("DISK_NEARLY_FULL"));
  EXPECT_EQ(JobNow(job.name()).state(), v1::JOB_STATE_QUEUED);
  const v1::LeasedJob leased = Leased();
  EXPECT_THAT(Put("a result", "text/plain", leased), IsOk()) << "accepted work goes on";
}

TEST_F(AdmissionServiceTest, ASlowUploadIsEnded) {
  options_.services.uploads.rated_after = milliseconds(200);
  options_.services.uploads.check_interval = milliseconds(20);
  Restart();
  Call call;
  v1::UploadConceptResponse response;
  const auto writer = concepts_->UploadConcept(&call, &response);
  v1::UploadConceptRequest request;
  *request.mutable_header() = Header(TwoPictures());
  ASSERT_TRUE(writer->Write(request));
  const absl::Status cut = FromGrpc(writer->Finish());
  EXPECT_THAT(cut, HasCode(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(cut, HasReason("UPLOAD_TOO_SLOW"));
  EXPECT_TRUE(Eventually([&] { return server_->open_streams() == 0; })) << "its place is free";
}

TEST_F(AdmissionServiceTest, AnUploadHasATotalLimit) {
  options_.services.uploads.limit = milliseconds(200);
  options_.services.uploads.check_interval = milliseconds(20);
  Restart();
  Call call;
  v1::Adapter adapter;
  const auto writer = adapters_->ImportAdapter(&call, &adapter);
  EXPECT_THAT(FromGrpc(writer->Finish()), HasReason("UPLOAD_TOO_SLOW"));
}

TEST_F(AdmissionServiceTest, AWatchEndsAtItsLimitAndCanBeResumed) {
  options_.services.streams.watch_limit = milliseconds(200);
  options_.services.streams.bookmark = milliseconds(60);
  Restart();
  const v1::Job job = Queued();
  EXPECT_THAT(Watch(job.name(), 0), HasReason("STREAM_LIMIT"));
  const v1::LeasedJob leased = Leased();
  v1::FinishRequest finish;
  *finish.mutable_failure()->mutable_status() = ToProto(absl::InternalError("no"));
  ASSERT_THAT(Finish(finish, leased), IsOk());
  const auto rest = Watch(job.name(), 1);
  ASSERT_THAT(rest, IsOk());
  EXPECT_EQ(rest->front().event().sequence(), 2u);
}

TEST_F(AdmissionServiceTest, AGenerateEndsAtItsLimitAndItsJobContinues) {
  options_.services.streams.generate_limit = milliseconds(200);
  Restart();
  Call call;
  const auto reader = jobs_->Generate(&call, GenerationOf());
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  const std::string job = response.job();
  while (reader->Read(&response)) {
  }
  EXPECT_THAT(FromGrpc(reader->Finish()), HasReason("STREAM_LIMIT"));
  EXPECT_EQ(JobNow(job).state(), v1::JOB_STATE_QUEUED);
}

TEST_F(AdmissionServiceTest, AWatchWithoutEventsSendsBookmarks) {
  options_.services.streams.bookmark = milliseconds(30);
  Restart();
  const v1::Job job = Queued();
  Call call;
  const auto reader = OpenWatch(call, job.name());
  int bookmarks = 0;
  v1::WatchJobResponse response;
  while (bookmarks < 3 && reader->Read(&response)) {
    EXPECT_EQ(response.job(), job.name());
    bookmarks += response.item_case() == v1::WatchJobResponse::ITEM_NOT_SET ? 1 : 0;
  }
  EXPECT_EQ(bookmarks, 3);
  call.TryCancel();
  reader->Finish();
}

TEST_F(AdmissionServiceTest, AWatchWithoutNotificationsPollsTheStore) {
  options_.services.streams.poll = milliseconds(30);
  Restart();
  const v1::Job job = Queued();
  Call call;
  const auto reader = OpenWatch(call, job.name());
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EventFeed silent;  // that never notifies
  const auto database = SqliteDatabase::Join(data_ + "/vico.db");
  ASSERT_THAT(database, IsOk());
  const StoreClock time(clock_);
  const auto jobs = SqlJobStore::Open(**database, clock_, time, silent, {});
  ASSERT_THAT(jobs, IsOk());
  ASSERT_THAT((*jobs)->Cancel("default", job.name()), IsOk());
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_TRUE(response.event().has_cancelled());
  EXPECT_THAT(FromGrpc(reader->Finish()), IsOk());
}

TEST_F(AdmissionServiceTest, WatchersThatDoNotReadDelayNobodyAndMissNothing) {
  Restart();
  const v1::Job job = Queued();
  constexpr int kSlow = 100;
  constexpr int kEvents = 4000;
  std::vector<std::unique_ptr<v1::JobService::Stub>> stubs;
  std::vector<std::unique_ptr<SlowWatch>> slow;
  for (int i = 0; i < kSlow; ++i) {
    if (i % 50 == 0) stubs.push_back(v1::JobService::NewStub(NewChannel(server_->client_port())));
    slow.push_back(std::make_unique<SlowWatch>(*stubs.back(), job.name()));
  }
  ASSERT_TRUE(Eventually([&] { return server_->open_streams() == kSlow; }));
  const v1::LeasedJob leased = Leased();
  ReportMany(leased, kEvents);
  v1::FinishRequest finish;
  *finish.mutable_failure()->mutable_status() = ToProto(absl::InternalError("no"));
  ASSERT_THAT(Finish(finish, leased), IsOk());

  constexpr uint64_t kAll = kEvents + 3;  // queued, started, failed
  const auto quick = Watch(job.name(), 0);
  ASSERT_THAT(quick, IsOk());
  EXPECT_EQ(quick->back().event().sequence(), kAll);
  for (const auto& watch : slow) watch->ReadOn();
  for (const auto& watch : slow) {
    EXPECT_THAT(watch->Wait(), IsOk());
    EXPECT_EQ(watch->events(), kAll);
    EXPECT_FALSE(watch->gaps());
  }
}

TEST_F(AdmissionServiceTest, AWatcherThatNeverReadsIsEndedAtTheLimit) {
  options_.services.streams.watch_limit = milliseconds(300);
  options_.services.streams.bookmark = milliseconds(60);
  Restart();
  const v1::Job job = Queued();
  const v1::LeasedJob leased = Leased();
  ReportMany(leased, 4000);
  SlowWatch watch(*jobs_, job.name());
  ASSERT_TRUE(Eventually([&] { return server_->open_streams() == 1; }));
  EXPECT_TRUE(Eventually([&] { return server_->open_streams() == 0; }));
  watch.GiveUp();
  watch.Wait().IgnoreError();
}

TEST_F(AdmissionServiceTest, ADrainServesCallsUntilItsNoticeIsOver) {
  options_.drain_notice = absl::Milliseconds(300);
  Restart();
  const v1::Job job = Queued();
  auto drained = std::async(std::launch::async, [&] { server_->Drain(absl::Seconds(30)); });
  int served = 0;
  absl::Status last;
  while (last.ok()) {
    Call call;
    v1::GetJobRequest request;
    request.set_name(job.name());
    v1::Job found;
    last = FromGrpc(jobs_->GetJob(&call, request, &found));
    served += last.ok() ? 1 : 0;
  }
  EXPECT_GT(served, 0);
  EXPECT_THAT(
      last, AnyOf(HasCode(absl::StatusCode::kUnavailable), HasCode(absl::StatusCode::kCancelled)));
  drained.get();
  server_.reset();
  const std::string log = data_ + "/vico.db-wal";
  EXPECT_TRUE(!std::filesystem::exists(log) || std::filesystem::file_size(log) == 0);
}

TEST_F(AdmissionServiceTest, CallsDuringADrainAreAlwaysUnavailable) {
  constexpr int kCallers = 8;
  constexpr int kDrains = 5;
  int cancelled = 0;
  for (int drain = 0; drain < kDrains; ++drain) {
    Restart();
    const std::string job = Queued().name();
    const int port = server_->client_port();
    std::atomic<bool> over{false};
    std::atomic<int> served{0};
    std::mutex mutex;
    std::map<absl::StatusCode, int> codes;  // guarded by mutex
    std::map<std::string, int> reasons;     // of errors with RetryInfo; guarded by mutex
    std::vector<std::jthread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        const auto stub = v1::JobService::NewStub(NewChannel(port));
        while (!over) {
          Call call;
          v1::GetJobRequest request;
          request.set_name(job);
          v1::Job found;
          const absl::Status status = FromGrpc(stub->GetJob(&call, request, &found));
          if (status.ok()) {
            ++served;
            continue;
          }
          const std::lock_guard lock(mutex);
          ++codes[status.code()];
          if (RetryAfter(status) > absl::ZeroDuration()) ++reasons[Reason(status)];
        }
      });
    }
    ASSERT_TRUE(Eventually([&] { return served > 10 * kCallers; }));
    server_->Drain(absl::Seconds(30));
    over = true;
    callers.clear();
    EXPECT_GT(codes[absl::StatusCode::kUnavailable], 0);
    cancelled += std::exchange(codes[absl::StatusCode::kCancelled], 0);
    EXPECT_EQ(codes.size(), 2u) << testing::PrintToString(codes);
    EXPECT_THAT(reasons, AnyOf(IsEmpty(), ElementsAre(Pair("DRAINING", _))));
  }
  // A connection that opens while the port closes may get gRPC's own status: about one in ten
  // thousand calls. gRPC's graceful shutdown would send it several times per drain.
  EXPECT_LT(cancelled, kDrains);
}

}  // namespace
}  // namespace vico::server
