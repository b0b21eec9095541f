// Calls on a long queue: 10,000 waiting jobs. Prints the 99th percentile of each call, in CPU time
// of the calling thread (which a busy machine does not change) and in wall time.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <vector>

#include <gmock/gmock.h>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

constexpr int kQueued = 10'000;
constexpr double kLimitMs = 20;

double ThreadCpuMs() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

struct Percentiles {
  double cpu_ms = 0;
  double wall_ms = 0;
};

Percentiles Measure(const char* what, int calls, const std::function<void(int)>& call) {
  std::vector<double> cpu;
  std::vector<double> wall;
  for (int i = 0; i < calls; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    const double before = ThreadCpuMs();
    call(i);
    cpu.push_back(ThreadCpuMs() - before);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    wall.push_back(took.count());
  }
  const auto p99 = [](std::vector<double>& values) {
    std::sort(values.begin(), values.end());
    return values[(values.size() - 1) * 99 / 100];
  };
  const Percentiles result{p99(cpu), p99(wall)};
  std::printf("%d queued, %s: p99 %.2f ms of CPU, %.2f ms\n", kQueued, what, result.cpu_ms,
              result.wall_ms);
  return result;
}

class LongQueueTest : public JobStoreTest {
 protected:
  LongQueueTest() : JobStoreTest(TempFolder::InMemory()) {
    options_.queued_per_tenant = 2 * kQueued;
    options_.queued_total = 2 * kQueued;
    Open();
    SubmitRequest first = Generation("first");
    first.spec.mutable_generate()->set_prompt(std::string(1000, 'p'));
    Submitted(first);
    EXPECT_THAT(database_->Write(Multiply), IsOk());
  }

  /// Copies of the only job, for two tenants in turn, and as many finished ones.
  static absl::Status Multiply(SqlSession& db) {
    std::string columns;
    RETURN_IF_ERROR(
        db.Query("SELECT group_concat(name) FROM pragma_table_info('job') WHERE name "
                 "NOT IN ('number', 'name', 'tenant', 'state')",
                 {}, [&](const SqlRow& row) {
                   columns = row.Text(0);
                   return absl::OkStatus();
                 }));
    RETURN_IF_ERROR(db.Script("INSERT INTO tenant (name) VALUES ('other') ON CONFLICT DO NOTHING"));
    return db.Script(
        fmt::format(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {1}) "
            "INSERT INTO job (name, tenant, state, {0}) "
            "SELECT printf('jobs/%032x', i), iif(i % 2, 'default', 'other'), "
            "iif(i % 4 < 2, 'queued', 'succeeded'), {0} FROM n, job WHERE job.number = 1",
            columns, 2 * kQueued)
            .c_str());
  }
};

TEST_P(LongQueueTest, NoCallTakesLongerThan20MsOfCpu) {
  std::string token;
  EXPECT_LE(Measure("a page of 100 jobs", 150,
                    [&](int) {
                      const auto page =
                          jobs_->List({.tenant = "default", .page_size = 100, .page_token = token});
                      ASSERT_THAT(page, IsOk());
                      ASSERT_FALSE(page->jobs.empty());
                      token = page->next_page_token;
                    })
                .cpu_ms,
            kLimitMs);
  EXPECT_LE(Measure("a page of 100 waiting jobs", 80,
                    [&](int) {
                      const auto page = jobs_->List({.tenant = "default",
                                                     .page_size = 100,
                                                     .page_token = token,
                                                     .filter = {.states = {v1::JOB_STATE_QUEUED}}});
                      ASSERT_THAT(page, IsOk());
                      token = page->next_page_token;
                    })
                .cpu_ms,
            kLimitMs);
  EXPECT_LE(Measure("one job", 200,
                    [&](int i) {
                      const int number = 2 * kQueued - 3 - 4 * i;
                      ASSERT_THAT(jobs_->Get("default", fmt::format("jobs/{:032x}", number)),
                                  IsOk());
                    })
                .cpu_ms,
            kLimitMs);
  EXPECT_LE(
      Measure("a new job", 200, [&](int i) { Submitted(Generation(fmt::format("request-{}", i))); })
          .cpu_ms,
      kLimitMs);
  EXPECT_LE(Measure("a cancelled job", 100,
                    [&](int i) {
                      const int number = 5 + 4 * i;
                      ASSERT_THAT(jobs_->Cancel("default", fmt::format("jobs/{:032x}", number)),
                                  IsOk());
                    })
                .cpu_ms,
            kLimitMs);
  EXPECT_LE(Measure("the counts of the queue", 100,
                    [&](int) { ASSERT_THAT(jobs_->CountQueue(), IsOk()); })
                .cpu_ms,
            kLimitMs);
  EXPECT_LE(Measure("a lease that is given back", 50,
                    [&](int) {
                      const Grant grant = Leased();
                      v1::FinishRequest finish;
                      finish.set_job(grant.job.name());
                      finish.set_lease_id(grant.lease_id);
                      finish.mutable_released();
                      ASSERT_THAT(jobs_->Finish(finish), IsOk());
                    })
                .cpu_ms,
            kLimitMs);
}

// The CPU time is that of this process, which does the work of SQLite only.
INSTANTIATE_TEST_SUITE_P(Backends, LongQueueTest, testing::Values(SqliteBackend()), BackendName);

}  // namespace
}  // namespace vico::server
