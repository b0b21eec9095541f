// Concurrent callers, random histories, and a killed process.
#include <atomic>
#include <csignal>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "common/ids.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

class JobStoreRaceTest : public JobStoreTest {};

TEST_P(JobStoreRaceTest, ManyWorkersFinishEveryJobExactlyOnce) {
  constexpr int kJobs = 240;
  constexpr int kThreads = 4;
  options_.queued_per_tenant = kJobs;
  Open();
  std::atomic<int> submitted = 0;
  std::atomic<int> finished = 0;
  std::mutex mutex;
  std::map<std::string, int> finishes;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < kJobs; i += kThreads) {
        EXPECT_THAT(jobs_->Submit(Generation(fmt::format("request-{}", i))), IsOk());
        EXPECT_THAT(jobs_->Submit(Generation(fmt::format("request-{}", i))), IsOk());
        ++submitted;
      }
    });
    threads.emplace_back([&, t] {
      const std::string worker = fmt::format("worker-{}", t);
      for (int turn = 0; finished < kJobs; ++turn) {
        const auto grants = jobs_->Lease(Ask(worker, fmt::format("nonce-{}", turn)));
        ASSERT_THAT(grants, IsOk());
        for (const Grant& grant : *grants) {
          EXPECT_THAT(jobs_->Report(ReportOf(grant, 1, 3)), IsOk());
          if (turn % 5 == 0) {
            EXPECT_THAT(jobs_->Finish(Released(grant)), IsOk());
            continue;
          }
          EXPECT_THAT(jobs_->Finish(Generated(grant)), IsOk());
          ++finished;
          const std::lock_guard lock(mutex);
          ++finishes[grant.job.name()];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(submitted, kJobs);
  EXPECT_EQ(finishes.size(), static_cast<size_t>(kJobs));
  for (const auto& [job, times] : finishes) {
    EXPECT_EQ(times, 1) << job;
    EXPECT_EQ(Story(job).back(), v1::Event::kSucceeded);
  }
}

TEST_P(JobStoreRaceTest, ConcurrentCancelAndFinishAgreeOnTheOutcome) {
  constexpr int kRounds = 200;
  int cancelled = 0;
  for (int round = 0; round < kRounds; ++round) {
    Submitted(Generation(fmt::format("request-{}", round)));
    const Grant grant = Leased();
    std::atomic<bool> go = false;
    absl::StatusOr<v1::Job> asked, done;
    std::thread canceller([&] {
      while (!go) {
      }
      asked = jobs_->Cancel("default", grant.job.name());
    });
    std::thread finisher([&] {
      while (!go) {
      }
      done = jobs_->Finish(Generated(grant));
    });
    go = true;
    canceller.join();
    finisher.join();

    ASSERT_THAT(asked, IsOk());
    if (asked->cancel_requested()) {
      ++cancelled;
      EXPECT_THAT(done, HasReason("CANCEL_REQUESTED"));
      ASSERT_THAT(jobs_->Finish(Stopped(grant)), IsOk());
      EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_CANCELLED);
    } else {
      ASSERT_THAT(done, IsOk());
      EXPECT_EQ(asked->state(), v1::JOB_STATE_SUCCEEDED);
      EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_SUCCEEDED);
    }
  }
  RecordProperty("cancelled_first", cancelled);
}

// A report may arrive between housekeeping's query and its change. Here it arrives right after the
// first of two expired leases was ended.
TEST_P(JobStoreRaceTest, AReportDuringReturnExpiredKeepsItsLease) {
  Submitted(Generation("request-1"));
  Submitted(Generation("request-2"));
  const Grant one = Leased();
  const Grant other = Leased();
  clock_.Advance(absl::Seconds(31));
  const Grant* kept = nullptr;
  const auto report = [&](const Grant& grant) {
    if (kept != nullptr) return;
    kept = &grant;
    EXPECT_THAT(jobs_->Report(ReportOf(grant, 1)), IsOk());
  };
  const auto watch_one = feed_.WatchJob(one.job.name(), [&] { report(other); });
  const auto watch_other = feed_.WatchJob(other.job.name(), [&] { report(one); });

  EXPECT_EQ(*jobs_->ReturnExpired(), 1);
  ASSERT_NE(kept, nullptr);
  EXPECT_THAT(jobs_->FindLease(kept->job.name(), kept->lease_id), IsOk());
}

// A random walk with workers that lose leases, repeat calls and send wrong ones. Jobs must follow
// the table of transitions, attempts must rise, and event numbers must be dense.
TEST_P(JobStoreRaceTest, RandomHistoriesFollowTheTransitions) {
  std::mt19937 random(20261122);
  const auto pick = [&](size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random);
  };
  std::vector<std::string> jobs;
  std::vector<Grant> grants;  // live and dead ones
  std::map<std::string, v1::Job> last;
  int leases = 0;
  for (int turn = 0; turn < 1500; ++turn) {
    const Grant grant = grants.empty() ? Grant() : grants[pick(grants.size())];
    switch (pick(10)) {
      case 0: {
        const bool train = pick(2) == 0;
        const auto id = fmt::format("request-{}", turn);
        const auto job = jobs_->Submit(train ? Training(id) : Generation(id));
        if (job.ok()) jobs.push_back(job->name());
        break;
      }
      case 1:
      case 2: {
        const auto got = jobs_->Lease(Ask("worker", fmt::format("nonce-{}", ++leases)));
        ASSERT_THAT(got, IsOk());
        grants.insert(grants.end(), got->begin(), got->end());
        break;
      }
      case 3:
      case 4:
        jobs_->Report(ReportOf(grant, pick(4), static_cast<int>(pick(3)))).IgnoreError();
        break;
      case 5:
        jobs_->Finish(grant.job.kind() == v1::JOB_KIND_TRAINING ? Trained(grant) : Generated(grant))
            .IgnoreError();
        break;
      case 6:
        jobs_->Finish(pick(2) == 0 ? Failed(grant, pick(4) != 0) : Released(grant)).IgnoreError();
        break;
      case 7:
        if (!jobs.empty() && pick(3) == 0) {
          ASSERT_THAT(jobs_->Cancel("default", jobs[pick(jobs.size())]), IsOk());
        } else {
          jobs_->Finish(Stopped(grant)).IgnoreError();
        }
        break;
      case 8:
        clock_.Advance(absl::Seconds(static_cast<int>(pick(20))));
        break;
      default:
        ASSERT_THAT(jobs_->ReturnExpired(), IsOk());
        if (pick(50) == 0) Open();
    }
    const auto page = jobs_->List({.tenant = "default", .page_size = 10'000});
    ASSERT_THAT(page, IsOk());
    ASSERT_EQ(page->jobs.size(), jobs.size());
    for (const v1::Job& now : page->jobs) {
      const auto before = last.find(now.name());
      if (before != last.end()) {
        const v1::Job& then = before->second;
        EXPECT_GE(now.attempt(), then.attempt());
        EXPECT_GE(now.last_sequence(), then.last_sequence());
        EXPECT_TRUE(now.cancel_requested() || !then.cancel_requested());
        if (now.state() != then.state()) {
          EXPECT_TRUE(IsLegal(then.state(), now.state()))
              << StateName(then.state()) << " to " << StateName(now.state());
          EXPECT_GT(now.last_sequence(), then.last_sequence()) << "a change without its event";
        } else if (IsTerminal(then.state())) {
          EXPECT_EQ(now.SerializeAsString(), then.SerializeAsString());
        }
      }
      last[now.name()] = now;
    }
    if (testing::Test::HasFailure()) FAIL() << "at turn " << turn;
  }
  std::set<v1::JobState> ends;
  for (const std::string& name : jobs) {
    const auto story = Story(name);
    const v1::Job job = JobNow(name);
    ends.insert(job.state());
    EXPECT_EQ(IsTerminal(job.state()), IsTerminal(Events(name).back()));
    EXPECT_EQ(std::count(story.begin(), story.end(), v1::Event::kStarted), job.attempt());
    const bool has_adapter =
        catalog_->GetAdapter("default", AdapterName(job.name().substr(5))).ok();
    EXPECT_EQ(has_adapter,
              job.kind() == v1::JOB_KIND_TRAINING && job.state() == v1::JOB_STATE_SUCCEEDED);
  }
  EXPECT_TRUE(ends.count(v1::JOB_STATE_SUCCEEDED) && ends.count(v1::JOB_STATE_FAILED) &&
              ends.count(v1::JOB_STATE_CANCELLED))
      << "the walk went everywhere";
}

// The child submits jobs and writes the accepted ones to a pipe until it is killed.
TEST_P(JobStoreRaceTest, AcknowledgedJobsSurviveAKill) {
  options_.queued_per_tenant = 100'000;
  options_.queued_total = 100'000;
  jobs_.reset();
  catalog_.reset();
  database_.reset();
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Open();
    for (int i = 0;; ++i) {
      const v1::Job job = Submitted(Generation(fmt::format("request-{}", i)));
      const std::string line = job.name() + "\n";
      if (write(pipe_ends[1], line.data(), line.size()) < 0) _exit(1);
    }
  }
  close(pipe_ends[1]);
  std::string text;
  char buffer[4096];
  while (std::count(text.begin(), text.end(), '\n') < 25) {
    const ssize_t got = read(pipe_ends[0], buffer, sizeof buffer);
    ASSERT_GT(got, 0);
    text.append(buffer, static_cast<size_t>(got));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (ssize_t got; (got = read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
  }
  close(pipe_ends[0]);

  Open();
  int acknowledged = 0;
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string name = text.substr(at, end - at);
    EXPECT_EQ(JobNow(name).state(), v1::JOB_STATE_QUEUED);
    EXPECT_EQ(Story(name).size(), 1u);
    EXPECT_EQ(Submitted(Generation(fmt::format("request-{}", acknowledged))).name(), name);
    ++acknowledged;
  }
  EXPECT_GE(acknowledged, 25);
}

INSTANTIATE_TEST_SUITE_P(Backends, JobStoreRaceTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
