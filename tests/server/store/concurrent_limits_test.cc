// What concurrent callers may not exceed, through two job stores on one
// database, as two servers have.
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

class ConcurrentLimitsTest : public JobStoreTest {
 protected:
  void OpenBoth() {
    Open();
    auto another = SqlJobStore::Open(*database_, clock_, *time_, feed_, options_);
    ASSERT_THAT(another, IsOk());
    another_ = *std::move(another);
  }

  /// Runs `call` on as many threads, half of them with the other store.
  void OnThreads(int threads, const std::function<void(JobStore& jobs, int thread)>& call) {
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&, i] { call(i % 2 == 0 ? *jobs_ : *another_, i); });
    }
    for (std::thread& thread : running) thread.join();
  }

  std::unique_ptr<JobStore> another_;
};

TEST_P(ConcurrentLimitsTest, TheQueueTakesNoMoreThanItsLimit) {
  options_.queued_total = 30;
  OpenBoth();
  std::atomic<int> taken = 0;
  OnThreads(8, [&](JobStore& jobs, int thread) {
    for (int i = 0; i < 12; ++i) {
      const auto job = jobs.Submit(
          Generation(fmt::format("request-{}-{}", thread, i), fmt::format("tenant-{}", thread)));
      if (job.ok()) {
        ++taken;
      } else {
        EXPECT_THAT(job.status(), HasReason("QUEUE_FULL"));
      }
    }
  });
  EXPECT_EQ(taken, 30);
}

TEST_P(ConcurrentLimitsTest, LeasesKeepTheLimitOfATenantAndGrantNoJobTwice) {
  constexpr int kTenants = 4;
  constexpr int kRunning = 3;
  options_.generations_per_tenant = kRunning;
  OpenBoth();
  for (int i = 0; i < kTenants * 5; ++i) {
    Submitted(Generation(fmt::format("request-{}", i), fmt::format("tenant-{}", i % kTenants)));
  }
  std::mutex mutex;
  std::set<std::string> granted;
  std::map<std::string, int> by_tenant;
  OnThreads(20, [&](JobStore& jobs, int thread) {
    const auto grants = jobs.Lease(Ask(fmt::format("worker-{}", thread), "nonce"));
    ASSERT_THAT(grants, IsOk());
    const std::lock_guard lock(mutex);
    for (const Grant& grant : *grants) {
      EXPECT_TRUE(granted.insert(grant.job.name()).second) << grant.job.name();
      ++by_tenant[grant.tenant];
    }
  });
  EXPECT_EQ(granted.size(), size_t{kTenants * kRunning});
  for (const auto& [tenant, jobs] : by_tenant) EXPECT_EQ(jobs, kRunning) << tenant;
}

TEST_P(ConcurrentLimitsTest, RepeatsAtTheSameTimeGetTheSameJob) {
  OpenBoth();
  for (int i = 0; i < 6; ++i) Submitted(Generation(fmt::format("request-{}", i)));
  std::mutex mutex;
  std::set<std::string> leases;
  OnThreads(8, [&](JobStore& jobs, int) {
    const auto grants = jobs.Lease(Ask("worker", "nonce"));
    ASSERT_THAT(grants, IsOk());
    ASSERT_EQ(grants->size(), 1U);
    const std::lock_guard lock(mutex);
    leases.insert(grants->front().lease_id);
  });
  EXPECT_EQ(leases.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Backends, ConcurrentLimitsTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
