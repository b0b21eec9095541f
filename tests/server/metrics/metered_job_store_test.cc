#include "server/metrics/metered_job_store.h"

#include <thread>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

class MeteredJobStoreTest : public JobStoreTest {
 protected:
  /// The number of observations or the value of all series of a metric.
  double Count(const std::string& name) const {
    double count = 0;
    for (const prometheus::MetricFamily& family : metrics_.collectable()->Collect()) {
      if (family.name != name) continue;
      for (const prometheus::ClientMetric& metric : family.metric) {
        count += static_cast<double>(metric.histogram.sample_count) + metric.counter.value;
      }
    }
    return count;
  }

  Grant Leased() {
    const auto grants = metered_.Lease(Ask("worker-a", "nonce"));
    EXPECT_THAT(grants, IsOk());
    return grants->at(0);
  }

  LeaseHolders leases_;
  Metrics metrics_{"test"};
  MeteredJobStore metered_{*jobs_, leases_, metrics_};
};

TEST_P(MeteredJobStoreTest, OfRepeatedFinishesOneCounts) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  EXPECT_THAT(metered_.Finish(Generated(grant, 0)), IsOk());
  EXPECT_THAT(metered_.Finish(Generated(grant, 0)), IsOk());
  EXPECT_EQ(Count("vico_job_seconds"), 1);
}

TEST_P(MeteredJobStoreTest, OfFinishesAtTheSameMomentOneCounts) {
  for (int i = 0; i < 20; ++i) {
    Submitted(Generation(fmt::format("request-{}", i)));
    const Grant grant = Leased();
    const auto finish = [&] { EXPECT_THAT(metered_.Finish(Failed(grant, false)), IsOk()); };
    std::thread other(finish);
    finish();
    other.join();
    EXPECT_EQ(Count("vico_job_seconds"), i + 1);
    EXPECT_EQ(Count("vico_attempts_failed_total"), i + 1);
  }
}

TEST_P(MeteredJobStoreTest, OfRepeatedLeasesOneCounts) {
  Submitted(Generation("request-1"));
  EXPECT_EQ(Leased().lease_id, Leased().lease_id);
  EXPECT_EQ(Count("vico_queue_wait_seconds"), 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, MeteredJobStoreTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
