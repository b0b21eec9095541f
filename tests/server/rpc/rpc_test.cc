// Tests of the pool, the pump, and the limits of calls.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/periodic_thread.h"
#include "common/rpc/status_grpc.h"
#include "common/status.h"
#include "server/rpc/calls.h"
#include "server/rpc/pool.h"
#include "server/rpc/pump.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;

TEST(PoolTest, OneThreadRunsTasksInOrder) {
  std::vector<int> order;
  {
    Pool pool("test", 1);
    for (int i = 0; i < 5; ++i) pool.Post([&order, i] { order.push_back(i); });
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
}

TEST(PoolTest, TasksWaitForTheirTime) {
  std::promise<steady_clock::time_point> ran;
  Pool pool("test", 2);
  const auto when = steady_clock::now() + milliseconds(30);
  pool.PostAt(when + std::chrono::hours(1), [] { ADD_FAILURE() << "too early"; });
  pool.PostAt(when, [&] { ran.set_value(steady_clock::now()); });
  EXPECT_GE(ran.get_future().get(), when);
}

TEST(PoolTest, StopDropsTasksThatAreNotDue) {
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = owned;
  Pool pool("test", 1);
  pool.PostAt(steady_clock::now() + std::chrono::hours(1), [owned = std::move(owned)] {});
  pool.Stop();
  EXPECT_TRUE(watched.expired());
  pool.Post([] { ADD_FAILURE() << "after the end"; });
}

TEST(PoolTest, OwnersTakeTurns) {
  std::promise<void> started, release;
  std::vector<std::string> order;
  {
    Pool pool("test", 1);
    pool.Post([&] {
      started.set_value();
      release.get_future().wait();
    });
    started.get_future().wait();
    for (const std::string owner : {"a1", "a2", "a3", "b1", "c1", "b2"}) {
      pool.Post([&order, owner] { order.push_back(owner); }, owner.substr(0, 1));
    }
    EXPECT_EQ(pool.Backlog(), 6u);
    release.set_value();
  }
  EXPECT_THAT(order, ElementsAre("a1", "b1", "c1", "a2", "b2", "a3"));
}

TEST(PoolTest, TimedTasksAreOnTimeWhileAllThreadsAreBusy) {
  std::promise<void> started, timed;
  const std::shared_future<void> ran = timed.get_future().share();
  Pool pool("test", 1);
  pool.Post([&] {
    started.set_value();
    ran.wait_for(std::chrono::minutes(1));
  });
  started.get_future().wait();
  pool.PostAt(steady_clock::now() + milliseconds(5), [&] { timed.set_value(); });
  EXPECT_EQ(ran.wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

TEST(PoolTest, EveryRepeatsWhileItsOwnerLives) {
  std::promise<void> third;
  std::atomic<int> runs{0};
  Pool pool("test", 1);
  auto owner = std::make_shared<int>(1);
  pool.Every(milliseconds(1), owner, [&] {
    if (++runs == 3) third.set_value();
  });
  third.get_future().wait();
  owner.reset();
  std::promise<void> later;
  pool.PostAt(steady_clock::now() + milliseconds(20), [&] { later.set_value(); });
  const int then = runs;
  later.get_future().wait();
  EXPECT_LE(runs, then + 1) << "a run in progress";
}

#ifndef VICO_SANITIZED  // sanitizers reserve address space without end
/// Runs `act` in a process that has address space for a few more threads only, and ends it with the
/// code of the status that RunGuarded() makes of the exception.
[[noreturn]] void ActWithLittleMemory(const std::function<absl::Status()>& act) {
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  statm >> pages;
  const rlim_t limit = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (rlim_t{48} << 20);
  const rlimit little{limit, limit};
  setrlimit(RLIMIT_AS, &little);
  const absl::Status status = RunGuarded(act);
  std::fprintf(stderr, "%s", Reason(status).c_str());
  std::_Exit(static_cast<int>(status.code()));
}

constexpr int kExhausted = static_cast<int>(absl::StatusCode::kResourceExhausted);

TEST(OutOfThreadsDeathTest, APoolThatCannotStartIsAnErrorAndNoCrash) {
  EXPECT_EXIT(ActWithLittleMemory([] {
                const Pool pool("test", 256);
                return absl::OkStatus();
              }),
              testing::ExitedWithCode(kExhausted), "OUT_OF_THREADS");
}

TEST(OutOfThreadsDeathTest, APeriodicThreadThatCannotStartIsAnErrorAndNoCrash) {
  EXPECT_EXIT(ActWithLittleMemory([] {
                std::vector<std::unique_ptr<PeriodicThread>> threads;
                for (int i = 0; i < 256; ++i) {
                  threads.push_back(std::make_unique<PeriodicThread>(absl::Hours(1), [] {}));
                }
                return absl::OkStatus();
              }),
              testing::ExitedWithCode(kExhausted), "OUT_OF_THREADS");
}

TEST(OutOfMemoryDeathTest, AHandlerWithoutMemoryIsARefusal) {
  EXPECT_EXIT(ActWithLittleMemory([] {
                std::vector<std::string> all;
                while (true) all.emplace_back(size_t{1} << 20, 'x');
                return absl::OkStatus();
              }),
              testing::ExitedWithCode(kExhausted), "OUT_OF_MEMORY");
}
#endif

TEST(OpenAnswersTest, OnlyThoseThatTakeTooLongAreCancelled) {
  std::vector<std::string> cancelled;
  OpenAnswers answers(milliseconds(100));
  const OpenAnswers::Time start{};
  const auto slow = answers.Add([&] { cancelled.push_back("slow"); }, start);
  const auto sent = answers.Add([&] { cancelled.push_back("sent"); }, start);
  const auto young = answers.Add([&] { cancelled.push_back("young"); }, start + milliseconds(50));
  answers.Remove(sent);
  answers.CancelOverdue(start + milliseconds(99));
  EXPECT_THAT(cancelled, ElementsAre());
  answers.CancelOverdue(start + milliseconds(100));
  answers.CancelOverdue(start + milliseconds(101));
  EXPECT_THAT(cancelled, ElementsAre("slow"));
  answers.Remove(slow);
  answers.Remove(young);
  EXPECT_EQ(answers.size(), 0u);
}

TEST(OpenAnswersTest, ACancelMayEndItsCallAtOnce) {
  OpenAnswers answers(milliseconds(1));
  std::shared_ptr<OpenAnswers::Entry> entry;
  bool done = false;
  entry = answers.Add(
      [&] {
        answers.Remove(entry);
        done = true;
      },
      OpenAnswers::Time{});
  answers.CancelOverdue(OpenAnswers::Time{} + milliseconds(1));
  EXPECT_TRUE(done);
}

TEST(OpenAnswersTest, TheEndOfACallWaitsForItsCancel) {
  OpenAnswers answers(milliseconds(1));
  std::promise<void> cancelling, go_on;
  std::atomic<bool> cancelled{false};
  const auto entry = answers.Add(
      [&] {
        cancelling.set_value();
        go_on.get_future().wait();
        cancelled = true;
      },
      OpenAnswers::Time{});
  std::thread canceller([&] { answers.CancelOverdue(OpenAnswers::Time{} + milliseconds(1)); });
  cancelling.get_future().wait();
  std::thread end([&] {
    answers.Remove(entry);
    EXPECT_TRUE(cancelled) << "gRPC destroys the call after this";
  });
  go_on.set_value();
  canceller.join();
  end.join();
}

TEST(PumpTest, TurnsNeverOverlapAndNoKickIsLost) {
  constexpr int kKickers = 4;
  constexpr int kKicks = 2000;
  Pool pool("test", 4);
  const auto pump = std::make_shared<Pump>(pool);
  std::atomic<int> inside{0}, overlaps{0}, kicked{0}, seen{0};
  pump->Open([&] {
    if (inside.fetch_add(1) != 0) ++overlaps;
    seen = kicked.load();
    inside.fetch_sub(1);
  });
  std::vector<std::thread> kickers;
  for (int k = 0; k < kKickers; ++k) {
    kickers.emplace_back([&] {
      for (int i = 0; i < kKicks; ++i) {
        ++kicked;
        pump->Kick();
      }
    });
  }
  for (std::thread& kicker : kickers) kicker.join();
  // The turn after the last kick sees all of them. Pool::Stop() may drop that turn, so wait for it.
  const auto deadline = steady_clock::now() + std::chrono::seconds(60);
  while (seen != kKickers * kKicks && steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(seen, kKickers * kKicks);
  EXPECT_EQ(overlaps, 0);
  pump->Close();
  pool.Stop();
}

TEST(PumpTest, ClosingDropsTheTurn) {
  Pool pool("test", 1);
  const auto pump = std::make_shared<Pump>(pool);
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = owned;
  pump->Open([owned = std::move(owned)] { ADD_FAILURE() << "never kicked while open"; });
  pump->Close();
  EXPECT_TRUE(watched.expired());
  pump->Kick();
  pool.Stop();
}

/// Refuses every caller.
class DenyingAuthenticator final : public Authenticator {
 public:
  absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase&,
                                      std::string_view) const override {
    return absl::UnauthenticatedError("denied");
  }
  absl::Status Recheck(const Caller&) const override {
    return absl::UnauthenticatedError("denied");
  }
};

TEST(CallsTest, ADeniedCallerOpensNoStream) {
  Pool pool("test", 1);
  const DenyingAuthenticator authenticator;
  Calls calls(pool, authenticator, {.streams = 1}, nullptr);
  const grpc::CallbackServerContext context;
  EXPECT_THAT(calls.Enter(context, "WatchJob", std::make_shared<Pump>(pool), Place::kStream),
              HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(calls.Authenticate(context, "GetJob"), HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(calls.open_streams(), 0u);
}

TEST(CallsTest, StreamsAreLimitedAndShared) {
  Pool pool("test", 1);
  const DenyingAuthenticator authenticator;
  Calls calls(pool, authenticator, {.streams = 4}, nullptr);
  std::vector<std::shared_ptr<Pump>> streams;
  const auto open = [&](const std::string& owner) {
    streams.push_back(std::make_shared<Pump>(pool));
    return calls.TakePlace(streams.back(), owner);
  };
  EXPECT_THAT(open("a"), IsOk());
  EXPECT_THAT(open("a"), IsOk());
  const absl::Status refused = open("a");
  EXPECT_THAT(refused, HasReason("TOO_MANY_STREAMS"));
  EXPECT_GT(RetryAfter(refused), absl::ZeroDuration());
  EXPECT_THAT(open("b"), IsOk()) << "half of what is left";
  EXPECT_THAT(open("b"), HasReason("TOO_MANY_STREAMS"));
  EXPECT_THAT(open("c"), IsOk()) << "the last place";
  EXPECT_THAT(open("d"), HasReason("TOO_MANY_STREAMS"));
  EXPECT_EQ(calls.open_streams(), 4u);
  calls.Leave(streams.front());
  calls.Leave(streams.front());
  EXPECT_THAT(open("d"), IsOk());
}

TEST(CallsTest, TransfersAreFewerThanStreams) {
  Pool pool("test", 1);
  const DenyingAuthenticator authenticator;
  Calls calls(pool, authenticator, {.streams = 100, .transfers = 2}, nullptr);
  const auto first = std::make_shared<Pump>(pool), second = std::make_shared<Pump>(pool);
  EXPECT_THAT(calls.TakePlace(first, "a", Place::kTransfer), IsOk());
  EXPECT_THAT(calls.TakePlace(second, "a", Place::kTransfer), HasReason("TOO_MANY_STREAMS"));
  EXPECT_EQ(calls.open_streams(), 1u);
  EXPECT_THAT(calls.TakePlace(second, "a"), IsOk()) << "a stream without files";
  calls.Leave(first);
  EXPECT_THAT(calls.TakePlace(first, "a", Place::kTransfer), IsOk());
}

TEST(CallsTest, CallsAndTheBytesOfTheirMessagesAreShared) {
  Pool pool("test", 1);
  const DenyingAuthenticator authenticator;
  Calls calls(pool, authenticator, {.calls = 4, .request_bytes = 1000, .answer_bytes = 200'000},
              nullptr);
  const CallCost small{.owner = "a", .request_bytes = 1}, large{.owner = "a", .request_bytes = 500};
  EXPECT_THAT(calls.Admit(small), IsOk());
  EXPECT_THAT(calls.Admit(large), HasReason("TOO_MANY_CALLS"));
  EXPECT_THAT(calls.Admit(small), IsOk());
  const absl::Status refused = calls.Admit(small);
  EXPECT_THAT(refused, HasReason("TOO_MANY_CALLS"));
  EXPECT_GT(RetryAfter(refused), absl::ZeroDuration());
  CallCost other{.owner = "b", .request_bytes = 400};
  EXPECT_THAT(calls.Admit(other), IsOk());
  EXPECT_THAT(calls.HoldAnswer(other, 100'000), IsOk());
  CallCost more{.owner = "b"};
  EXPECT_THAT(calls.HoldAnswer(more, 20'000), HasReason("ANSWERS_NOT_READ"));
  EXPECT_THAT(calls.HoldAnswer(more, 1'000), IsOk()) << "small answers are not counted";
  calls.Release(other);
  calls.Release(small);
  EXPECT_THAT(calls.HoldAnswer(more, 20'000), IsOk());
  EXPECT_THAT(calls.Admit(small), IsOk());
}

TEST(CallsTest, CallsThatWaitForAThreadAreLimited) {
  // They outlive the pool, whose thread may still use them.
  std::promise<void> started, release;
  Pool pool("test", 1);
  const DenyingAuthenticator authenticator;
  Calls calls(pool, authenticator, {.backlog = 1}, nullptr);
  pool.Post([&] {
    started.set_value();
    release.get_future().wait();
  });
  started.get_future().wait();
  EXPECT_THAT(calls.HasRoom(), IsOk());
  pool.Post([] {});
  EXPECT_THAT(calls.HasRoom(), HasReason("SERVER_BUSY"));
  release.set_value();
}

TEST(CallsTest, ACallThatWaitedTooLongIsNotStarted) {
  Pool pool("test", 1);
  const DenyingAuthenticator authenticator;
  Calls calls(pool, authenticator, {}, nullptr);
  EXPECT_THAT(calls.CheckOnTime(steady_clock::now() - std::chrono::seconds(29)), IsOk());
  const auto late = calls.CheckOnTime(steady_clock::now() - std::chrono::seconds(31));
  EXPECT_THAT(late, HasCode(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(late, HasReason("CALL_TIMEOUT"));
}

TEST(CallsTest, ADrainRefusesCallsAndGivesEachStreamATurn) {
  std::promise<bool> turn;
  Pool pool("test", 1);
  const DenyingAuthenticator authenticator;
  Calls calls(pool, authenticator, {}, nullptr);
  const auto pump = std::make_shared<Pump>(pool);
  pump->Open([&] { turn.set_value(calls.draining()); });
  ASSERT_THAT(calls.TakePlace(pump, "a"), IsOk());
  calls.Drain();
  EXPECT_TRUE(turn.get_future().get());
  EXPECT_THAT(calls.HasRoom(), HasCode(absl::StatusCode::kUnavailable));
  pump->Close();
}

class AllowingAuthenticator final : public Authenticator {
 public:
  absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase&,
                                      std::string_view) const override {
    return Caller();
  }
  absl::Status Recheck(const Caller&) const override { return absl::OkStatus(); }
};

TEST(CallsTest, ADrainWaitsForAdmittedCalls) {
  Pool pool("test", 1);
  const AllowingAuthenticator authenticator;
  Calls calls(pool, authenticator, {}, nullptr);
  const grpc::CallbackServerContext context;
  const CallCost cost{.owner = "a", .request_bytes = 1};
  ASSERT_THAT(calls.Admit(cost), IsOk());
  const auto stream = std::make_shared<Pump>(pool);
  ASSERT_THAT(calls.Enter(context, "WatchJob", stream, Place::kStream), IsOk());
  calls.Drain();
  EXPECT_THAT(calls.Admit(cost), HasReason("DRAINING"));
  EXPECT_FALSE(calls.WaitForAnswers(steady_clock::now() + milliseconds(10)));
  calls.Leave(stream);
  calls.Release(cost);
  EXPECT_FALSE(calls.WaitForAnswers(steady_clock::now() + milliseconds(10)));
  calls.Release();
  EXPECT_TRUE(calls.WaitForAnswers(steady_clock::now() + std::chrono::minutes(1)));
}

TEST(CallsTest, AnswersAreLoggedOnce) {
  Pool pool("test", 1);
  std::vector<std::string> log;
  const DenyingAuthenticator authenticator;
  Calls calls(pool, authenticator, {},
              [&](const CallRecord& call) { log.push_back(call.notes.method); });
  CallNotes notes;
  notes.method = "GetJob";
  EXPECT_TRUE(calls.Answered(notes, absl::OkStatus()).ok());
  const auto answer = calls.Answered(notes, FieldError("name", "must be good"));
  EXPECT_EQ(answer.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_FALSE(answer.error_details().empty());
  EXPECT_THAT(log, ElementsAre("GetJob", "GetJob"));
}

TEST(CallsTest, PrivateTextGoesToTheLogAndARequestIdToTheCaller) {
  Pool pool("test", 1);
  std::vector<CallRecord> log;
  const DenyingAuthenticator authenticator;
  Calls calls(pool, authenticator, {}, [&](const CallRecord& call) { log.push_back(call); });
  const absl::Status status =
      WithPrivateText(Error(absl::StatusCode::kInternal, "database: failed", "DATABASE_FAILED"),
                      "SELECT secret FROM job: no such column");
  CallNotes notes;
  notes.method = "GetJob";
  notes.request_id = "edge-1";
  const absl::Status answer = FromGrpc(calls.Answered(notes, status));
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(PrivateText(log[0].status), "SELECT secret FROM job: no such column");
  EXPECT_THAT(answer, HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(answer, HasReason("DATABASE_FAILED"));
  EXPECT_THAT(answer, HasMessage(testing::HasSubstr("edge-1")));
  EXPECT_THAT(answer.ToString(), testing::Not(testing::HasSubstr("secret")));
}

TEST(CallNotesTest, OnlyAWellFormedRequestIdIsAccepted) {
  for (const std::string& good : {std::string("a"), std::string(64, 'Z'), std::string("a.b_c-9")}) {
    EXPECT_TRUE(IsCallId(good)) << good;
  }
  for (const std::string& wrong : {std::string(), std::string(65, 'a'), std::string("a b"),
                                   std::string("a\"b"), std::string("\xc3\xa4")}) {
    EXPECT_FALSE(IsCallId(wrong)) << wrong;
  }
}

TEST(CallNotesTest, OnlyNamesOfJobsAndIdsOfLeasesAreKept) {
  const std::string job = "jobs/" + std::string(32, 'a'), lease = "lease_" + std::string(32, 'b');
  CallNotes notes;
  notes.About("jobs/a secret", "lease_../secret");
  EXPECT_EQ(notes.job + notes.lease, "");
  notes.About(job, lease);
  notes.About(job, lease);  // as a stream does, in each of its turns
  EXPECT_EQ(notes.job, job);
  EXPECT_EQ(notes.lease, lease);
  const std::string other = "jobs/" + std::string(32, 'c');
  notes.About(other);
  EXPECT_EQ(notes.job, job + " " + other);
}

TEST(RunGuardedTest, ExceptionsBecomeStatusesWithoutTheirText) {
  EXPECT_THAT(RunGuarded([]() -> absl::Status { throw std::bad_alloc(); }),
              HasCode(absl::StatusCode::kResourceExhausted));
  const absl::Status status =
      RunGuarded([]() -> absl::Status { throw std::runtime_error("secret"); });
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(status, HasMessage(testing::Not(testing::HasSubstr("secret"))));
  EXPECT_EQ(PrivateText(status), "secret");
}

}  // namespace
}  // namespace vico::server
