// The engine's end of the channel; the test is the worker, which may break the rules of
// engine.proto.
#include "worker/serving/engine_server.h"

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/support/status_matchers.h"
#include "tests/worker/job/fake_engine.h"
#include "vico/engine/v1/engine.pb.h"
#include "worker/process/messages.h"

namespace vico::worker {
namespace {

namespace wire = engine::v1;

constexpr absl::Duration kPatience = absl::Seconds(20);

wire::ToEngine Generation(uint64_t call, int64_t steps = 2) {
  wire::ToEngine request;
  request.mutable_generate()->mutable_spec()->set_steps(steps);
  request.set_call(call);
  return request;
}

wire::ToEngine Answer(uint64_t call, bool yes = true) {
  wire::ToEngine reply;
  reply.mutable_answer()->set_yes(yes);
  reply.set_call(call);
  return reply;
}

wire::ToEngine Received(uint64_t call) {
  wire::ToEngine reply;
  reply.mutable_received();
  reply.set_call(call);
  return reply;
}

class EngineServerTest : public testing::Test {
 protected:
  EngineServerTest() {
    int sockets[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    worker_ = std::make_unique<FrameChannel>(sockets[0]);
    channel_ = std::make_unique<FrameChannel>(sockets[1]);
    engine_.generations = 2;
    engine_.generate = [](const v1::GenerateSpec& spec, const GenerationInputs&,
                          const GenerateCallbacks& callbacks) -> absl::StatusOr<bool> {
      for (int64_t step = 1; step <= spec.steps(); ++step) {
        if (!callbacks.on_step(step, spec.steps())) return false;
      }
      return true;
    };
  }

  void SetUp() override {
    server_ = std::thread([this] { served_ = ServeEngine(engine_, *channel_); });
    const auto hello = Next();
    ASSERT_TRUE(hello.has_hello());
    EXPECT_EQ(hello.hello().most_generations(), 2);
  }
  void TearDown() override {
    if (server_.joinable()) End().IgnoreError();
  }

  void Send(const wire::ToEngine& message) { EXPECT_THAT(worker_->Send(message), IsOk()); }
  wire::FromEngine Next() {
    wire::FromEngine message;
    EXPECT_THAT(worker_->Receive(message, kPatience), IsOk());
    return message;
  }
  /// Closes the worker's end. Returns what ServeEngine() returned.
  absl::Status End() {
    worker_->Shutdown();
    return Served();
  }
  absl::Status Served() {
    server_.join();
    return served_;
  }

  FakeEngine engine_;
  std::unique_ptr<FrameChannel> worker_;
  std::unique_ptr<FrameChannel> channel_;
  std::thread server_;
  absl::Status served_ = absl::UnknownError("it has not ended");
};

TEST_F(EngineServerTest, AClosedChannelIsTheEnd) { EXPECT_THAT(End(), IsOk()); }

TEST_F(EngineServerTest, TwoCallsAreAnsweredInAnyOrder) {
  Send(Generation(7));
  Send(Generation(8));
  int steps = 0;
  for (int i = 0; i < 2; ++i) steps += Next().has_generate_step() ? 1 : 0;
  EXPECT_EQ(steps, 2) << "of two calls, before any answer";
  Send(Answer(8));
  EXPECT_EQ(Next().call(), 8u);
  Send(Answer(8));
  const wire::FromEngine end = Next();
  EXPECT_EQ(end.call(), 8u);
  EXPECT_TRUE(end.generated().finished());
  Send(Answer(7, false));
  const wire::FromEngine stopped = Next();
  EXPECT_EQ(stopped.call(), 7u);
  EXPECT_FALSE(stopped.generated().finished());
  EXPECT_THAT(End(), IsOk());
}

TEST_F(EngineServerTest, AClosedChannelStopsTheCallsThatRun) {
  Send(Generation(1, 1'000'000));
  Send(Generation(2, 1'000'000));
  Next();
  Next();
  EXPECT_THAT(End(), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(EngineServerTest, ACallTooManyFailsAlone) {
  Send(Generation(1));
  Send(Generation(2));
  Next();
  Next();
  Send(Generation(3));
  const wire::FromEngine refused = Next();
  EXPECT_EQ(refused.call(), 3u);
  EXPECT_TRUE(refused.has_failed());
  Send(Answer(1));
  EXPECT_TRUE(Next().has_generate_step());
}

TEST_F(EngineServerTest, AnEndedCallMakesRoom) {
  for (uint64_t call = 1; call <= 20; ++call) {
    Send(Generation(call, 0));
    EXPECT_TRUE(Next().has_generated()) << call;
  }
}

TEST_F(EngineServerTest, WaitsWhileTheMostNotesAreOpen) {
  std::atomic<int> drawn = 0;
  engine_.generate = [&](const v1::GenerateSpec&, const GenerationInputs&,
                         const GenerateCallbacks& callbacks) -> absl::StatusOr<bool> {
    for (int i = 0; i < 2 * kMostOpenNotes; ++i) {
      callbacks.on_preview(0, i, {.bytes = "preview"});
      ++drawn;
    }
    return true;
  };
  Send(Generation(1));
  for (int i = 0; i < kMostOpenNotes; ++i) EXPECT_TRUE(Next().has_preview());
  wire::FromEngine none;
  EXPECT_THAT(worker_->Receive(none, absl::Milliseconds(100)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(drawn, kMostOpenNotes);
  Send(Received(1));
  EXPECT_EQ(Next().preview().step(), kMostOpenNotes);
  EXPECT_THAT(End(), HasCode(absl::StatusCode::kUnavailable)) << "does not wait for more";
}

TEST_F(EngineServerTest, IgnoresReceivedForACallThatHasEnded) {
  Send(Generation(1, 0));
  EXPECT_TRUE(Next().has_generated());
  Send(Received(1));
  Send(Generation(2, 0));
  EXPECT_TRUE(Next().has_generated());
  EXPECT_THAT(End(), IsOk());
}

TEST_F(EngineServerTest, EndsAtAnAnswerForACallThatDoesNotRun) {
  Send(Generation(1, 0));
  EXPECT_TRUE(Next().has_generated());
  Send(Answer(1));
  EXPECT_THAT(Served(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(EngineServerTest, EndsAtAnAnswerToNoQuestion) {
  std::promise<void> may_end;
  engine_.generate = [&](const v1::GenerateSpec&, const GenerationInputs&,
                         const GenerateCallbacks& callbacks) -> absl::StatusOr<bool> {
    callbacks.on_warning("BEGUN", "");
    may_end.get_future().wait();
    return true;
  };
  Send(Generation(1));
  EXPECT_TRUE(Next().has_warning());
  Send(Answer(1));
  wire::FromEngine none;
  EXPECT_THAT(worker_->Receive(none, kPatience), HasCode(absl::StatusCode::kUnavailable));
  may_end.set_value();
  EXPECT_THAT(Served(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(EngineServerTest, EndsAtReceivedWithoutANote) {
  Send(Generation(1));
  Next();
  Send(Received(1));
  EXPECT_THAT(Served(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(EngineServerTest, EndsAtTheNumberOfARunningCall) {
  Send(Generation(1));
  Next();
  Send(Generation(1));
  EXPECT_THAT(Served(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(EngineServerTest, EndsAtARequestWithoutANumber) {
  Send(Generation(0));
  EXPECT_THAT(Served(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(EngineServerTest, EndsAtAnEmptyMessage) {
  Send({});
  EXPECT_THAT(Served(), HasCode(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace vico::worker
