#include "server/jobs/worker_registry.h"

#include <gmock/gmock.h>

#include "tests/server/jobs/base_model_catalog.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kBase[] = "baseModels/tiny";

class WorkerRegistryTest : public testing::Test {
 protected:
  absl::Status Register(const std::string& name, const std::string& digest = "digest-1") {
    v1::RegisterRequest request;
    request.set_worker(name);
    request.set_device("cpu");
    v1::BaseModel& base_model = *request.add_base_models()->mutable_base_model();
    base_model.set_name(kBase);
    base_model.set_digest(digest);
    return registry_.Register(request);
  }

  void StartLease(const std::string& lease_id, const std::string& worker, const std::string& job) {
    Grant grant;
    grant.lease_id = lease_id;
    grant.worker = worker;
    grant.job.set_name(job);
    grant.job.set_kind(v1::JOB_KIND_TRAINING);
    registry_.StartLease(grant);
  }

  static v1::WorkerLoad Load(uint64_t memory, int adapters) {
    v1::WorkerLoad load;
    load.set_memory_bytes(memory);
    load.set_loaded_adapters(adapters);
    return load;
  }

  bool IsAvailable() const {
    const auto all = registry_.ListBaseModels();
    return all.ok() && !all->empty() && all->front().base_model().available();
  }

  void PassGoneTime() { clock_.Advance(kWorkerGoneAfter + absl::Seconds(1)); }

  FakeClock clock_;
  BaseModelCatalog catalog_;
  WorkerRegistry registry_{catalog_, clock_};
};

TEST_F(WorkerRegistryTest, AWorkerIsListedWithItsLoadAndJobs) {
  ASSERT_THAT(Register("a"), IsOk());
  registry_.RecordContact("a", Load(100, 2));
  StartLease("lease_1", "a", "jobs/1");
  StartLease("lease_2", "a", "jobs/2");
  registry_.EndLease("lease_1");
  registry_.RecordContact("stranger", Load(7, 7));
  const auto all = registry_.List();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_THAT(all[0].jobs(), ElementsAre("jobs/2"));
  EXPECT_THAT(all[0].base_models(), ElementsAre(kBase));
  EXPECT_EQ(all[0].device(), "cpu");
  EXPECT_EQ(all[0].load().memory_bytes(), 100u);
  EXPECT_TRUE(all[0].alive());
}

TEST_F(WorkerRegistryTest, AWorkerWithoutContactIsGoneAndADayLaterNotListed) {
  ASSERT_THAT(Register("a"), IsOk());
  StartLease("lease_1", "a", "jobs/1");
  PassGoneTime();
  ASSERT_EQ(registry_.List().size(), 1u);
  EXPECT_FALSE(registry_.List()[0].alive());
  EXPECT_THAT(registry_.List()[0].jobs(), IsEmpty());
  clock_.Advance(absl::Hours(24));
  EXPECT_THAT(registry_.List(), IsEmpty());
}

TEST_F(WorkerRegistryTest, ADrainOutlastsARegistration) {
  EXPECT_THAT(registry_.SetDraining("a", true), HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_FALSE(registry_.IsDraining("a"));
  EXPECT_TRUE(registry_.SetDraining("a", true)->draining());
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_TRUE(registry_.IsDraining("a"));
  EXPECT_FALSE(registry_.SetDraining("a", false)->draining());
  EXPECT_FALSE(registry_.IsDraining("a"));
}

TEST_F(WorkerRegistryTest, TotalsCountLivingWorkers) {
  ASSERT_THAT(Register("gone"), IsOk());
  registry_.RecordContact("gone", Load(1000, 9));
  PassGoneTime();
  ASSERT_THAT(Register("a"), IsOk());
  ASSERT_THAT(Register("b"), IsOk());
  registry_.RecordContact("a", Load(100, 2));
  registry_.RecordContact("b", Load(30, 1));
  registry_.SetDraining("b", true).IgnoreError();
  StartLease("lease_1", "a", "jobs/1");
  StartLease("lease_2", "a", "jobs/2");
  const WorkerTotals totals = registry_.Totals();
  EXPECT_EQ(totals.alive, 2);
  EXPECT_EQ(totals.busy, 1);
  EXPECT_EQ(totals.draining, 1);
  EXPECT_EQ(totals.base_models, 1);
  EXPECT_EQ(totals.memory_bytes, 130);
  EXPECT_EQ(totals.memory_bytes_most, 100);
  EXPECT_EQ(totals.loaded_adapters, 3);
}

TEST_F(WorkerRegistryTest, AWorkerThatReportsWithoutARegistrationCountsAsBusy) {
  StartLease("lease_1", "a", "jobs/1");  // as after a restart of the server
  EXPECT_EQ(registry_.Totals().alive, 1);
  EXPECT_EQ(registry_.Totals().busy, 1);
  clock_.Advance(absl::Seconds(50));
  registry_.RecordReport("lease_1", {});
  clock_.Advance(absl::Seconds(50));
  EXPECT_EQ(registry_.Totals().busy, 1);
  PassGoneTime();
  EXPECT_EQ(registry_.Totals().alive, 0);
}

TEST_F(WorkerRegistryTest, ALeaseHasAHolderAndBlobsUntilItEnds) {
  StartLease("lease_1", "a", "jobs/1");
  registry_.RecordBlob("lease_1", "digest");
  registry_.RecordBlob("lease_2", "digest");
  StartLease("lease_1", "a", "jobs/1");
  ASSERT_TRUE(registry_.FindLease("lease_1"));
  EXPECT_EQ(registry_.FindLease("lease_1")->worker, "a");
  EXPECT_EQ(registry_.FindLease("lease_1")->kind, v1::JOB_KIND_TRAINING);
  EXPECT_TRUE(registry_.HasBlob("lease_1", "digest"));
  EXPECT_FALSE(registry_.HasBlob("lease_1", "other"));
  EXPECT_FALSE(registry_.HasBlob("lease_2", "digest"));
  EXPECT_TRUE(registry_.EndLease("lease_1"));
  EXPECT_FALSE(registry_.EndLease("lease_1")) << "of several ends one counts";
  EXPECT_FALSE(registry_.FindLease("lease_1"));
  EXPECT_FALSE(registry_.HasBlob("lease_1", "digest"));
}

TEST_F(WorkerRegistryTest, ARegistrationEndsTheWorkersEarlierLeases) {
  StartLease("lease_1", "a", "jobs/1");
  StartLease("lease_2", "b", "jobs/2");
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_FALSE(registry_.FindLease("lease_1"));
  EXPECT_TRUE(registry_.FindLease("lease_2"));
}

TEST_F(WorkerRegistryTest, ABaseModelIsAvailableWhileALivingWorkerOffersIt) {
  EXPECT_THAT(registry_.GetBaseModel(kBase), HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_TRUE(registry_.GetBaseModel(kBase)->base_model().available());
  clock_.Advance(absl::Seconds(59));
  registry_.RecordContact("a", {});
  clock_.Advance(kWorkerGoneAfter);
  EXPECT_TRUE(IsAvailable());
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(IsAvailable());
}

TEST_F(WorkerRegistryTest, ADrainingWorkerOffersNoBaseModel) {
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_THAT(registry_.AvailableBaseModels(), ElementsAre(kBase));
  ASSERT_THAT(registry_.SetDraining("a", true), IsOk());
  EXPECT_THAT(registry_.AvailableBaseModels(), IsEmpty());
  EXPECT_FALSE(registry_.IsAvailable(kBase));
  EXPECT_FALSE(IsAvailable());
  EXPECT_EQ(registry_.Totals().base_models, 0) << "the health of vico.worker";
  ASSERT_THAT(Register("b"), IsOk());
  EXPECT_TRUE(registry_.IsAvailable(kBase));
  ASSERT_THAT(registry_.SetDraining("b", true), IsOk());
  EXPECT_THAT(Register("c", "digest-2"), HasReason("BASE_MODEL_DIFFERS"))
      << "a draining worker still holds jobs";
  ASSERT_THAT(registry_.SetDraining("a", false), IsOk());
  EXPECT_TRUE(registry_.IsAvailable(kBase));
}

TEST_F(WorkerRegistryTest, AfterARestartWorkersMustRegisterAgain) {
  ASSERT_THAT(Register("a"), IsOk());
  const WorkerRegistry restarted(catalog_, clock_);
  EXPECT_EQ(restarted.GetBaseModel(kBase)->base_model().digest(), "digest-1");
  EXPECT_FALSE(restarted.GetBaseModel(kBase)->base_model().available());
  EXPECT_THAT(restarted.Registration("a"), HasReason("NOT_REGISTERED"));
}

TEST_F(WorkerRegistryTest, LivingWorkersMustOfferTheSameBaseModelUnderAName) {
  ASSERT_THAT(Register("a", "digest-1"), IsOk());
  EXPECT_THAT(Register("b", "digest-2"), HasReason("BASE_MODEL_DIFFERS"));
  EXPECT_THAT(Register("b", "digest-1"), IsOk());
  PassGoneTime();
  EXPECT_THAT(Register("c", "digest-2"), IsOk());
  EXPECT_EQ(registry_.GetBaseModel(kBase)->base_model().digest(), "digest-2");
  EXPECT_THAT(registry_.Registration("a"), HasReason("NOT_REGISTERED"))
      << "its base model may have been replaced";
}

TEST_F(WorkerRegistryTest, AWorkerMayRegisterAnotherBaseModel) {
  ASSERT_THAT(Register("a", "digest-1"), IsOk());
  ASSERT_THAT(Register("a", "digest-2"), IsOk());
  EXPECT_EQ(registry_.GetBaseModel(kBase)->base_model().digest(), "digest-2");
  EXPECT_EQ(registry_.Registration("a")->base_models(0).base_model().digest(), "digest-2");
}

}  // namespace
}  // namespace vico::server
