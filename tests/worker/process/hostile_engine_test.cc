// EngineProcess with an engine that breaks the rules of engine.proto.
#include "tests/worker/process/hostile_engine.h"

#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/worker/process/gone.h"
#include "worker/process/engine_process.h"

namespace vico::worker {
namespace {

std::unique_ptr<EngineProcess> Open(const std::string& how) {
  auto engine = EngineProcess::Open({.command = {VICO_FAKE_ENGINE, "hostile " + how}}, Log::Off());
  EXPECT_THAT(engine, IsOk());
  return engine.ok() ? *std::move(engine) : nullptr;
}

GenerateCallbacks Callbacks() {
  GenerateCallbacks callbacks;
  callbacks.on_step = [](int64_t, int64_t) { return true; };
  callbacks.on_preview = [](int, int64_t, const PngPicture&) {};
  callbacks.on_picture = [](int, const PngPicture&) {};
  callbacks.on_warning = [](const std::string&, const std::string&) {};
  return callbacks;
}

class HostileEngineTest : public testing::TestWithParam<const char*> {};

TEST_P(HostileEngineTest, IsKilledAndEndsTheCall) {
  const auto engine = Open(GetParam());
  ASSERT_NE(engine, nullptr);
  const pid_t pid = engine->pid();
  GenerateCallbacks callbacks = Callbacks();
  // Until the worker has read everything, the call handles nothing.
  callbacks.on_step = [pid](int64_t, int64_t) { return IsGone(pid); };
  callbacks.on_warning = [pid](const std::string&, const std::string&) {
    EXPECT_TRUE(IsGone(pid));
  };
  EXPECT_THAT(engine->Generate({}, {}, callbacks), HasReason(kEngineDied));
  EXPECT_TRUE(IsGone(pid));
  ASSERT_THAT(engine->Ready(), IsOk());
  EXPECT_NE(engine->pid(), pid);
}

INSTANTIATE_TEST_SUITE_P(EachWay, HostileEngineTest,
                         testing::Values("unknown call", "hello", "nothing", "two questions",
                                         "notes", "another kind"));

TEST(HostileEngine, ACallThatHasEndedKeepsItsResult) {
  const auto engine = Open("after the end");
  ASSERT_NE(engine, nullptr);
  const pid_t pid = engine->pid();
  EXPECT_THAT(engine->Generate({}, {}, Callbacks()), IsOk());
  EXPECT_TRUE(IsGone(pid)) << "for the note after the end";
}

TEST(HostileEngine, OneThatIsKilledForACallEndsTheOthers) {
  const auto engine = Open("silent");
  ASSERT_NE(engine, nullptr);
  engine->SetHang(absl::Seconds(1));
  absl::StatusOr<bool> first;
  absl::StatusOr<bool> second;
  std::thread other([&] { first = engine->Generate({}, {}, Callbacks()); });
  second = engine->Generate({}, {}, Callbacks());
  other.join();
  for (const auto& ended : {first, second}) {
    EXPECT_THAT(ended, HasCode(absl::StatusCode::kUnavailable));
    EXPECT_THAT(ended, testing::AnyOf(HasReason(kEngineHung), HasReason(kEngineDied)));
  }
}

}  // namespace
}  // namespace vico::worker
