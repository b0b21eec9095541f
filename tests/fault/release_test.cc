// The job of a worker that died is leased again within the duration of the lease plus 4 s.
#include <cstdio>

#include <gtest/gtest.h>

#include "common/ids.h"
#include "tests/fault/caller.h"
#include "tests/fault/fault_run.h"

namespace vico::fault {
namespace {

void ExpectLeasedAgain(double lease_seconds) {
  ArenaOptions options;
  options.workers = 2;
  options.lease_seconds = lease_seconds;
  options.step_ms = 400;
  Arena arena(options);
  ASSERT_TRUE(arena.WaitForServer());
  HistoryRecorder recorder;
  const std::stop_source never;
  Caller caller(arena.address(), recorder, never.get_token());
  const std::string job = caller.Submit(NewId(), "");
  const auto lease_of = [&](int attempt) -> std::optional<WorkerRecord> {
    for (const WorkerRecord& record : ReadRecords(arena.records())) {
      if (record.what == "lease" && record.attempt == attempt) return record;
    }
    return std::nullopt;
  };
  ASSERT_TRUE(Eventually([&] { return lease_of(1).has_value(); }));
  arena.KillWorker(lease_of(1)->worker.starts_with("worker-0-") ? 0 : 1);
  const int64_t died = BootMicros();
  ASSERT_TRUE(Eventually([&] { return lease_of(2).has_value(); }));
  const double seconds = static_cast<double>(lease_of(2)->answered_us - died) / 1e6;
  std::printf("dead worker: its job was leased again after %.2f s; the lease is %.0f s\n", seconds,
              lease_seconds);
  EXPECT_LE(seconds, lease_seconds + 4);
  EXPECT_TRUE(caller.Watch(job));
}

TEST(ReleaseTest, AShortLeaseEndsInTime) { ExpectLeasedAgain(3); }
TEST(ReleaseTest, TheDefaultLeaseEndsInTime) { ExpectLeasedAgain(30); }

}  // namespace
}  // namespace vico::fault
