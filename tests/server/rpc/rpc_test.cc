// Tests of the pool, the pump, and the limits of calls.
#include <atomic>
#include <future>
#include <new>
#include <stdexcept>

#include <gmock/gmock.h>

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
  EXPECT_THAT(calls.Enter(context, "WatchJob", std::make_shared<Pump>(pool)),
              HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(calls.Admit(context, "GetJob"), HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(calls.open_streams(), 0u);
}

TEST(CallsTest, StreamsAreLimited) {
  Pool pool("test", 1);
  const DenyingAuthenticator authenticator;
  Calls calls(pool, authenticator, {.streams = 2}, nullptr);
  const auto first = std::make_shared<Pump>(pool);
  const auto third = std::make_shared<Pump>(pool);
  EXPECT_THAT(calls.TakePlace(first), IsOk());
  EXPECT_THAT(calls.TakePlace(std::make_shared<Pump>(pool)), IsOk());
  EXPECT_THAT(calls.TakePlace(third), HasReason("TOO_MANY_STREAMS"));
  EXPECT_GT(RetryAfter(calls.TakePlace(third)), absl::ZeroDuration());
  calls.Leave(first);
  EXPECT_THAT(calls.TakePlace(third), IsOk());
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
  ASSERT_THAT(calls.TakePlace(pump), IsOk());
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
  ASSERT_THAT(calls.Admit(context, "GetJob"), IsOk());
  const auto stream = std::make_shared<Pump>(pool);
  ASSERT_THAT(calls.Enter(context, "WatchJob", stream), IsOk());
  calls.Drain();
  EXPECT_THAT(calls.Admit(context, "GetJob"), HasReason("DRAINING"));
  EXPECT_FALSE(calls.WaitForAnswers(steady_clock::now() + milliseconds(10)));
  calls.Leave(stream);
  calls.Release();
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
