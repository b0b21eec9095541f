#include "server/watches/jobs_watch.h"

#include <gmock/gmock.h>

#include "tests/server/server_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// An open WatchJobs.
class OpenWatch {
 public:
  OpenWatch(v1::JobService::Stub& jobs, const v1::WatchJobsRequest& request)
      : reader_(jobs.WatchJobs(&call_, request)) {}

  /// The next message with an item, which must come within a minute.
  v1::WatchJobsResponse Read() {
    v1::WatchJobsResponse message;
    do {
      if (!reader_->Read(&message)) {
        status_ = FromGrpc(reader_->Finish());
        ADD_FAILURE() << "the stream has ended: " << status_;
        return {};
      }
      if (!message.cursor().empty()) cursor_ = message.cursor();
    } while (message.item_case() == v1::WatchJobsResponse::ITEM_NOT_SET);
    return message;
  }

  /// All messages before `ready`.
  std::vector<v1::WatchJobsResponse> ReadList() {
    std::vector<v1::WatchJobsResponse> list;
    while (true) {
      v1::WatchJobsResponse message = Read();
      if (message.has_ready() || testing::Test::HasFailure()) return list;
      list.push_back(std::move(message));
    }
  }

  /// The messages about a job up to one for which `is_last` holds.
  std::vector<v1::WatchJobsResponse> ReadAbout(
      const std::string& job, const std::function<bool(const v1::WatchJobsResponse&)>& is_last) {
    std::vector<v1::WatchJobsResponse> about;
    while (!testing::Test::HasFailure()) {
      v1::WatchJobsResponse message = Read();
      if (message.job() != job) continue;
      about.push_back(std::move(message));
      if (is_last(about.back())) break;
    }
    return about;
  }

  absl::Status Finish() {
    v1::WatchJobsResponse message;
    while (reader_->Read(&message)) {
    }
    return FromGrpc(reader_->Finish());
  }

  /// Breaks off, and returns the cursor of the last message.
  std::string Break() {
    call_.TryCancel();
    Finish().IgnoreError();
    return cursor_;
  }

 private:
  Call call_;
  std::unique_ptr<grpc::ClientReader<v1::WatchJobsResponse>> reader_;
  std::string cursor_;
  absl::Status status_;
};

std::vector<uint64_t> Sequences(const std::vector<v1::WatchJobsResponse>& messages) {
  std::vector<uint64_t> sequences;
  for (const auto& message : messages) {
    if (message.has_event()) sequences.push_back(message.event().sequence());
  }
  return sequences;
}

std::vector<std::string> Jobs(const std::vector<v1::WatchJobsResponse>& messages) {
  std::vector<std::string> jobs;
  for (const auto& message : messages) jobs.push_back(message.job());
  return jobs;
}

bool HasEnded(const v1::WatchJobsResponse& message) {
  return message.event().has_succeeded() || message.event().has_cancelled();
}

class JobsWatchTest : public ServerTest {
 protected:
  JobsWatchTest() {
    options_.services.streams.poll = std::chrono::milliseconds(200);
    Start();
    EXPECT_THAT(Register(), IsOk());
  }

  std::string Generated() {
    const auto job = Create(GenerationOf());
    EXPECT_THAT(job, IsOk());
    return job.ok() ? job->name() : "";
  }

  void FinishJob(const v1::LeasedJob& leased) {
    v1::FinishRequest finish;
    finish.mutable_generated();
    EXPECT_THAT(Finish(finish, leased), IsOk());
  }

  void CancelJob(const std::string& name) {
    Call call;
    v1::CancelJobRequest request;
    request.set_name(name);
    v1::Job job;
    EXPECT_THAT(FromGrpc(jobs_->CancelJob(&call, request, &job)), IsOk());
  }

  void DeleteJob(const std::string& name) {
    Call call;
    v1::DeleteJobRequest request;
    request.set_name(name);
    google::protobuf::Empty response;
    EXPECT_THAT(FromGrpc(jobs_->DeleteJob(&call, request, &response)), IsOk());
  }

  void Label(const std::string& name, const std::string& label) {
    Call call;
    v1::UpdateJobRequest request;
    request.mutable_job()->set_name(name);
    (*request.mutable_job()->mutable_labels())["team"] = label;
    v1::Job job;
    EXPECT_THAT(FromGrpc(jobs_->UpdateJob(&call, request, &job)), IsOk());
  }
};

TEST_F(JobsWatchTest, TheListComesFirstThenWhatChanges) {
  const std::string first = Generated();
  CancelJob(first);
  const std::string second = Generated();
  OpenWatch watch(*jobs_, {});
  EXPECT_THAT(Jobs(watch.ReadList()), ElementsAre(second, first));

  const v1::LeasedJob leased = Leased();
  ASSERT_THAT(Report(leased, 1, {ProgressAt(3)}), IsOk());
  FinishJob(leased);
  const auto about = watch.ReadAbout(second, HasEnded);
  EXPECT_THAT(Sequences(about), ElementsAre(2, 3, 4));

  const std::string third = Generated();
  const auto snapshot = watch.Read();
  EXPECT_EQ(snapshot.job(), third);
  EXPECT_EQ(snapshot.snapshot().state(), v1::JOB_STATE_QUEUED);
  Label(first, "blue");
  EXPECT_EQ(watch.Read().snapshot().labels().at("team"), "blue");
  DeleteJob(first);
  const auto deleted = watch.Read();
  EXPECT_EQ(deleted.job(), first);
  EXPECT_TRUE(deleted.has_deleted());
}

TEST_F(JobsWatchTest, AStreamContinuesFromACursorWithoutALoss) {
  const std::string job = Generated();
  const v1::LeasedJob leased = Leased();
  OpenWatch first(*jobs_, {});
  EXPECT_THAT(Jobs(first.ReadList()), ElementsAre(job));
  ASSERT_THAT(Report(leased, 1, {ProgressAt(1)}), IsOk());
  EXPECT_EQ(first.Read().event().sequence(), 3u);
  v1::WatchJobsRequest again;
  again.set_cursor(first.Break());

  v1::Event warning;
  warning.mutable_warning()->set_reason("SOMETHING");
  ASSERT_THAT(Report(leased, 2, {ProgressAt(2), warning, ProgressAt(3)}), IsOk());
  FinishJob(leased);
  const std::string created = Generated();
  const v1::LeasedJob of_created = Leased();
  FinishJob(of_created);

  OpenWatch second(*jobs_, again);
  std::map<std::string, std::vector<uint64_t>> seen;
  std::set<std::string> ended;
  while (ended.size() < 2 && !HasFailure()) {
    const auto message = second.Read();
    if (message.has_event()) seen[message.job()].push_back(message.event().sequence());
    if (HasEnded(message)) ended.insert(message.job());
  }
  EXPECT_THAT(seen[job], ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(seen[created], ElementsAre(1, 2, 3));
}

TEST_F(JobsWatchTest, ADeletionDuringABreakIsTold) {
  const std::string job = Generated();
  CancelJob(job);
  OpenWatch first(*jobs_, {});
  first.ReadList();
  v1::WatchJobsRequest again;
  again.set_cursor(first.Break());
  DeleteJob(job);
  OpenWatch second(*jobs_, again);
  const auto about =
      second.ReadAbout(job, [](const auto& message) { return message.has_deleted(); });
  EXPECT_TRUE(about.back().has_deleted());
}

TEST_F(JobsWatchTest, AFilterOfStatesFollowsTheJobs) {
  v1::WatchJobsRequest request;
  request.mutable_filter()->add_states(v1::JOB_STATE_RUNNING);
  const std::string job = Generated();
  OpenWatch watch(*jobs_, request);
  EXPECT_THAT(watch.ReadList(), IsEmpty());
  const v1::LeasedJob leased = Leased();
  const auto entered = watch.Read();
  EXPECT_EQ(entered.job(), job);
  EXPECT_EQ(entered.snapshot().state(), v1::JOB_STATE_RUNNING);
  FinishJob(leased);
  const auto left =
      watch.ReadAbout(job, [](const auto& message) { return message.has_snapshot(); });
  EXPECT_EQ(left.back().snapshot().state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(JobsWatchTest, PositionsCountDown) {
  const std::string first = Generated();
  const std::string second = Generated();
  OpenWatch watch(*jobs_, {});
  EXPECT_THAT(Jobs(watch.ReadList()), ElementsAre(second, first));
  CancelJob(first);
  const auto about =
      watch.ReadAbout(second, [](const auto& message) { return message.has_position(); });
  EXPECT_EQ(about.back().position().position(), 0u);
}

TEST_F(JobsWatchTest, AWatchOfOneJobTellsItsPosition) {
  const std::string first = Generated();
  const std::string second = Generated();
  Call call;
  v1::WatchJobRequest request;
  request.set_name(second);
  const auto reader = jobs_->WatchJob(&call, request);
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.event().queued().position(), 1u);
  CancelJob(first);
  do {
    ASSERT_TRUE(reader->Read(&response));
  } while (!response.has_position());
  EXPECT_EQ(response.position().position(), 0u);
  call.TryCancel();
}

TEST_F(JobsWatchTest, ManyProgressEventsBecomeTheNewest) {
  const std::string job = Generated();
  const v1::LeasedJob leased = Leased();
  OpenWatch watch(*jobs_, {});
  watch.ReadList();
  std::vector<v1::Event> many;
  for (int i = 1; i <= 50; ++i) many.push_back(ProgressAt(i));
  ASSERT_THAT(Report(leased, 1, many), IsOk());
  FinishJob(leased);
  const auto about = watch.ReadAbout(job, HasEnded);
  EXPECT_LE(about.size(), 4u);
  EXPECT_EQ(about[about.size() - 2].event().progress().step(), 50);
}

TEST_F(JobsWatchTest, OldAndForeignCursorsAreRefused) {
  v1::WatchJobsRequest request;
  request.set_cursor("nonsense");
  EXPECT_THAT(OpenWatch(*jobs_, request).Finish(), NamesField("cursor"));
  WatchCursor cursor{.time = absl::Now() - absl::Hours(2)};
  OpenWatch fresh(*jobs_, {});
  fresh.ReadList();
  const auto current = ReadCursor(fresh.Break());
  ASSERT_THAT(current, IsOk());
  cursor.filter = current->filter;
  request.set_cursor(WriteCursor(cursor));
  EXPECT_THAT(OpenWatch(*jobs_, request).Finish(), HasReason("CURSOR_EXPIRED"));
  request.set_cursor(WriteCursor(*current));
  request.mutable_filter()->add_kinds(v1::JOB_KIND_TRAINING);
  EXPECT_THAT(OpenWatch(*jobs_, request).Finish(), NamesField("cursor"));
}

TEST_F(JobsWatchTest, ManyJobsAreCancelledAtOnce) {
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) names.push_back(Generated());
  const v1::LeasedJob leased = Leased();
  v1::CancelJobsRequest request;
  request.mutable_filter()->add_kinds(v1::JOB_KIND_GENERATION);
  request.set_validate_only(true);
  const auto cancel = [&] {
    Call call;
    v1::CancelJobsResponse response;
    EXPECT_THAT(FromGrpc(jobs_->CancelJobs(&call, request, &response)), IsOk());
    return response;
  };
  const auto draft = cancel();
  EXPECT_EQ(draft.cancelled_count(), 2);
  EXPECT_EQ(draft.requested_count(), 1);
  EXPECT_EQ(JobNow(names[1]).state(), v1::JOB_STATE_QUEUED);
  request.set_validate_only(false);
  EXPECT_EQ(cancel().cancelled_count(), 2);
  EXPECT_EQ(JobNow(names[1]).state(), v1::JOB_STATE_CANCELLED);
  EXPECT_TRUE(JobNow(leased.job()).cancel_requested());
  request.clear_filter();
  for (const std::string& name : names) request.add_names(name);
  const auto again = cancel();
  EXPECT_EQ(again.cancelled_count() + again.requested_count(), 0);
  EXPECT_THAT(again.unchanged_names(), UnorderedElementsAre(names[0], names[1], names[2]));
}

}  // namespace
}  // namespace vico::server
