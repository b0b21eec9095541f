// Two servers on one PostgreSQL database and one bucket while the database is migrated to the
// schema of a later version (arena/next_schema.cc). The checker must find no violation.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include "tests/fault/caller.h"
#include "tests/fault/fault_run.h"
#include "tests/support/processes.h"
#include "vico/v1/model.grpc.pb.h"

namespace vico::fault {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

constexpr char kToday[] = VICO_SERVER_BINARY;
constexpr char kNext[] = VICO_NEXT_SERVER_BINARY;
constexpr char kNextVersion[] = "next";

FaultRun TwoServers() {
  FaultRun run;
  run.arena.servers = 2;
  run.arena.shared = std::make_shared<SharedStore>();
  run.arena.server_flags = {"--decoder", VICO_DECODE_BINARY};
  run.arena.workers = 4;
  run.patience_seconds = 120;
  run.arena.step_ms = 40;
  run.check.lease_us = 1'000'000;
  return run;
}

Finished Migrate(Arena& arena, const std::string& next_schema) {
  return RunToEnd({kNext, "migrate", "--database", arena.shared()->database_url()},
                  std::chrono::seconds(60), {{"VICO_NEXT_SCHEMA", next_schema}});
}

/// What the server answers itself, without the proxy; empty while it does not answer.
std::string VersionOf(const Arena& arena, int which) {
  const auto models = v1::ModelService::NewStub(Caller::Channel(arena.server_address(which)));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
  v1::Capabilities capabilities;
  return models->GetCapabilities(&context, {}, &capabilities).ok() ? capabilities.version() : "";
}

/// Waits until a process that was started after `before` answers for the server.
bool ServesAgain(Arena& arena, int which, pid_t before, bool next) {
  return Eventually([&] {
    const std::string version = VersionOf(arena, which);
    return arena.server_pid(which) != before && !version.empty() &&
           (version == kNextVersion) == next;
  });
}

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// As an operator replaces one server of several.
bool Replace(Arena& arena, int which, const std::string& program) {
  const pid_t before = arena.server_pid(which);
  arena.RunFromNowOn(which, program);
  arena.SignalServer(SIGTERM, which);
  return ServesAgain(arena, which, before, program == kNext);
}

void ExpectNoViolation(const FaultRun& run) {
  const FaultVerdict verdict = PlayRun(run);
  EXPECT_TRUE(verdict.violations.empty()) << verdict.Text();
  EXPECT_EQ(FailuresText(verdict), "none");
  if (testing::Test::HasFailure()) std::fputs(verdict.log.c_str(), stderr);
  std::printf("upgrade: %d jobs, %d with another attempt, %d servers, %.1f s\n", verdict.jobs,
              verdict.requeued, verdict.server_starts, verdict.seconds);
}

TEST(UpgradeTest, ServersOfTwoSchemasServeAtOnce) {
  FaultRun run = TwoServers();
  run.jobs = 240;
  run.disturb = [](Arena& arena, const std::stop_token& stop) {
    Eventually([&] { return stop.stop_requested(); }, milliseconds(500));
    const pid_t old = arena.server_pid(1);
    const Finished migrated = Migrate(arena, "");
    EXPECT_EQ(migrated.exit_code, 0) << migrated.err;
    EXPECT_TRUE(Replace(arena, 0, kNext));
    // Running servers look at the schema each second.
    Eventually([&] { return stop.stop_requested(); }, milliseconds(2500));
    EXPECT_EQ(VersionOf(arena, 0), kNextVersion);
    EXPECT_NE(VersionOf(arena, 1), kNextVersion);
    EXPECT_EQ(arena.server_pid(1), old) << "the older server ended";
    // The older program also starts on the newer schema.
    arena.KillServer(1);
    EXPECT_TRUE(ServesAgain(arena, 1, old, /*next=*/false));
    const pid_t next = arena.server_pid(0);
    arena.KillServer(0);
    EXPECT_TRUE(ServesAgain(arena, 0, next, /*next=*/true));
    EXPECT_FALSE(stop.stop_requested()) << "there were no jobs left meanwhile";
    EXPECT_TRUE(Replace(arena, 1, kNext));
    // Back to the version before.
    EXPECT_TRUE(Replace(arena, 0, kToday));
  };
  ExpectNoViolation(run);
}

TEST(UpgradeTest, ServersThatTheNewSchemaExcludesEndAndStartNoMore) {
  FaultRun run = TwoServers();
  run.jobs = 240;
  run.disturb = [](Arena& arena, const std::stop_token& stop) {
    Eventually([&] { return stop.stop_requested(); }, milliseconds(500));
    const Finished migrated = Migrate(arena, "excluding");
    EXPECT_EQ(migrated.exit_code, 0) << migrated.err;
    // Both running servers end; their supervisor starts them again, and they end at once.
    EXPECT_TRUE(Eventually([&] {
      return Count(arena.log(), "must end") == 2 && Count(arena.log(), "vico-server: database") > 2;
    }));
    const TempFolder folder;
    std::vector<std::string> command = {kToday,        "--data",          folder.path(), "--listen",
                                        "127.0.0.1:0", "--worker-listen", "127.0.0.1:0"};
    for (const std::string& flag : arena.shared()->flags()) command.push_back(flag);
    const Finished refused =
        RunToEnd(command, std::chrono::seconds(60), SharedStore::environment());
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("which works with programs of schema"),
                                   HasSubstr("run a newer version of vico-server")));
    EXPECT_FALSE(stop.stop_requested());
    for (int which = 0; which < 2; ++which) EXPECT_TRUE(Replace(arena, which, kNext));
  };
  ExpectNoViolation(run);
}

}  // namespace
}  // namespace vico::fault
