#include "server/workers/worker_registry.h"

#include <gmock/gmock.h>

#include "server/store/sql_worker_store.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Two servers on one database: `registry_` and `other_`.
class WorkerRegistryTest : public JobStoreTest {
 protected:
  static v1::RegisterRequest RequestOf(const std::string& name, const std::string& digest,
                                       int devices) {
    v1::RegisterRequest request;
    request.set_worker(name);
    request.set_device("cpu");
    request.set_devices(devices);
    v1::BaseModel& base_model = *request.add_base_models()->mutable_base_model();
    base_model.set_name(kToyBase);
    base_model.set_digest(digest);
    return request;
  }

  absl::Status Register(const std::string& name, const std::string& digest = "digest-1",
                        int devices = 1) {
    return registry_.Register(RequestOf(name, digest, devices));
  }

  /// Gives the worker a job.
  Grant JobOf(const std::string& worker) {
    Submitted(Generation(fmt::format("request of {} {}", worker, ++jobs_of_workers_)));
    return Leased(worker);
  }

  static v1::WorkerLoad Load(uint64_t memory, int adapters) {
    v1::WorkerLoad load;
    load.set_memory_bytes(memory);
    load.set_loaded_adapters(adapters);
    return load;
  }

  static std::vector<v1::Worker> Listed(const WorkerRegistry& registry) {
    const auto all = registry.List();
    EXPECT_THAT(all, IsOk());
    return all.ok() ? *all : std::vector<v1::Worker>();
  }

  void PassGoneTime() { clock_.Advance(kWorkerGoneAfter + absl::Seconds(1)); }

  SqlWorkerStore store_{*database_, *time_};
  WorkerRegistry registry_{store_, *catalog_, feed_, clock_};
  EventFeed other_feed_;
  SqlWorkerStore other_store_{*database_, *time_};
  WorkerRegistry other_{other_store_, *catalog_, other_feed_, clock_};
  int jobs_of_workers_ = 0;
};

TEST_P(WorkerRegistryTest, AWorkerIsListedWithItsLoadAndJobs) {
  ASSERT_THAT(Register("a"), IsOk());
  registry_.RecordContact("a", Load(100, 2));
  const Grant first = JobOf("a");
  const Grant second = JobOf("a");
  ASSERT_THAT(jobs_->Finish(Generated(first, 0)), IsOk());
  registry_.RecordContact("stranger", Load(7, 7));
  const auto all = Listed(registry_);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_THAT(all[0].jobs(), ElementsAre(second.job.name()));
  EXPECT_THAT(all[0].base_models(), ElementsAre(kToyBase));
  EXPECT_EQ(all[0].device(), "cpu");
  EXPECT_EQ(all[0].load().memory_bytes(), 100u);
  EXPECT_TRUE(all[0].alive());
}

TEST_P(WorkerRegistryTest, AWorkerWithoutContactIsGoneAndADayLaterNotListed) {
  ASSERT_THAT(Register("a"), IsOk());
  JobOf("a");
  PassGoneTime();
  ASSERT_EQ(Listed(registry_).size(), 1u);
  EXPECT_FALSE(Listed(registry_)[0].alive());
  EXPECT_THAT(Listed(registry_)[0].jobs(), IsEmpty());
  clock_.Advance(absl::Hours(24));
  EXPECT_THAT(Listed(registry_), IsEmpty());
}

TEST_P(WorkerRegistryTest, ADrainOutlastsARegistration) {
  EXPECT_THAT(registry_.SetDraining("a", true), HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_FALSE(registry_.IsDraining("a"));
  EXPECT_TRUE(registry_.SetDraining("a", true)->draining());
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_TRUE(registry_.IsDraining("a"));
  EXPECT_TRUE(registry_.Registered("a")->draining);
  EXPECT_FALSE(registry_.SetDraining("a", false)->draining());
  EXPECT_FALSE(registry_.IsDraining("a"));
}

TEST_P(WorkerRegistryTest, TotalsCountLivingWorkers) {
  ASSERT_THAT(Register("gone"), IsOk());
  registry_.RecordContact("gone", Load(1000, 9));
  PassGoneTime();
  ASSERT_THAT(Register("a"), IsOk());
  ASSERT_THAT(Register("b"), IsOk());
  registry_.RecordContact("a", Load(100, 2));
  registry_.RecordContact("b", Load(30, 1));
  ASSERT_THAT(registry_.SetDraining("b", true), IsOk());
  JobOf("a");
  JobOf("a");
  const WorkerTotals totals = registry_.Totals();
  EXPECT_EQ(totals.alive, 2);
  EXPECT_EQ(totals.busy, 1);
  EXPECT_EQ(totals.draining, 1);
  EXPECT_EQ(totals.base_models, 1);
  EXPECT_EQ(totals.memory_bytes, 130);
  EXPECT_EQ(totals.memory_bytes_most, 100);
  EXPECT_EQ(totals.loaded_adapters, 3);
}

TEST_P(WorkerRegistryTest, EveryServerExportsTheSameTotals) {
  ASSERT_THAT(Register("a"), IsOk());
  registry_.RecordContact("a", Load(100, 2));
  JobOf("a");
  const WorkerTotals totals = other_.Totals();
  EXPECT_EQ(totals.alive, 1);
  EXPECT_EQ(totals.busy, 1);
  EXPECT_EQ(totals.base_models, 1);
  EXPECT_EQ(totals.memory_bytes, 100);
}

TEST_P(WorkerRegistryTest, ABaseModelIsAvailableWhileALivingWorkerOffersIt) {
  EXPECT_THAT(registry_.GetBaseModel(kToyBase), HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_TRUE(registry_.GetBaseModel(kToyBase)->base_model().available());
  clock_.Advance(absl::Seconds(59));
  registry_.RecordContact("a", {});
  clock_.Advance(kWorkerGoneAfter);
  EXPECT_TRUE(registry_.ListBaseModels()->front().base_model().available());
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(registry_.ListBaseModels()->front().base_model().available());
}

TEST_P(WorkerRegistryTest, ADrainingWorkerOffersNoBaseModel) {
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_THAT(registry_.AvailableBaseModels(), ElementsAre(ServedBaseModel{kToyBase, 1}));
  ASSERT_THAT(registry_.SetDraining("a", true), IsOk());
  EXPECT_THAT(registry_.AvailableBaseModels(), IsEmpty());
  EXPECT_FALSE(registry_.IsAvailable(kToyBase));
  EXPECT_EQ(registry_.Totals().base_models, 0) << "the health of vico.worker";
  ASSERT_THAT(Register("b"), IsOk());
  EXPECT_TRUE(registry_.IsAvailable(kToyBase));
  ASSERT_THAT(registry_.SetDraining("b", true), IsOk());
  EXPECT_THAT(Register("c", "digest-2"), HasReason("BASE_MODEL_DIFFERS"))
      << "a draining worker still holds jobs";
  ASSERT_THAT(registry_.SetDraining("a", false), IsOk());
  EXPECT_TRUE(registry_.IsAvailable(kToyBase));
}

TEST_P(WorkerRegistryTest, TheMostDevicesOfALivingWorkerAreOnOffer) {
  ASSERT_THAT(Register("a", "digest-1", 0), IsOk());
  EXPECT_TRUE(registry_.IsAvailable(kToyBase, 1));
  EXPECT_FALSE(registry_.IsAvailable(kToyBase, 2));
  ASSERT_THAT(Register("b", "digest-1", 4), IsOk());
  EXPECT_TRUE(registry_.IsAvailable(kToyBase, 4));
  EXPECT_THAT(registry_.AvailableBaseModels(), ElementsAre(ServedBaseModel{kToyBase, 4}));
  ASSERT_THAT(registry_.SetDraining("b", true), IsOk());
  EXPECT_FALSE(registry_.IsAvailable(kToyBase, 4));
}

TEST_P(WorkerRegistryTest, ARestartForgetsNothing) {
  ASSERT_THAT(Register("a"), IsOk());
  ASSERT_THAT(registry_.SetDraining("a", true), IsOk());
  const WorkerRegistry restarted(store_, *catalog_, feed_, clock_);
  EXPECT_EQ(restarted.Registered("a")->registration.base_models(0).base_model().digest(),
            "digest-1");
  EXPECT_TRUE(restarted.IsDraining("a"));
  EXPECT_TRUE(Listed(restarted)[0].alive());
}

TEST_P(WorkerRegistryTest, AnotherServerSeesAWorkerAtOnceAndItsDrainWithinTwoSeconds) {
  EXPECT_FALSE(other_.IsAvailable(kToyBase));
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_THAT(other_.Registered("a"), IsOk()) << "its next call may go there";
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(other_.IsAvailable(kToyBase));
  ASSERT_THAT(other_.SetDraining("a", true), IsOk());
  EXPECT_TRUE(registry_.Registered("a")->draining) << "it leases no more";
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(registry_.IsDraining("a"));
  EXPECT_FALSE(registry_.IsAvailable(kToyBase));
}

TEST_P(WorkerRegistryTest, ANotificationOfAnotherServerCountsAtOnce) {
  ASSERT_THAT(Register("a"), IsOk());
  EXPECT_TRUE(registry_.IsAvailable(kToyBase));
  ASSERT_THAT(other_.SetDraining("a", true), IsOk());
  feed_.Received("workers");
  EXPECT_FALSE(registry_.IsAvailable(kToyBase));
}

TEST_P(WorkerRegistryTest, ContactsWithAnyServerKeepAWorkerAlive) {
  ASSERT_THAT(Register("a"), IsOk());
  for (int i = 0; i < 40; ++i) {
    clock_.Advance(absl::Seconds(3));
    registry_.RecordContact("a", Load(static_cast<uint64_t>(i), 0));
  }
  ASSERT_EQ(Listed(other_).size(), 1u);
  EXPECT_TRUE(Listed(other_)[0].alive());
  EXPECT_GE(Listed(other_)[0].load().memory_bytes(), 36u) << "stored every ten seconds";
  EXPECT_EQ(Listed(registry_)[0].load().memory_bytes(), 39u);
}

TEST_P(WorkerRegistryTest, LivingWorkersMustOfferTheSameBaseModelUnderAName) {
  ASSERT_THAT(Register("a", "digest-1"), IsOk());
  EXPECT_THAT(Register("b", "digest-2"), HasReason("BASE_MODEL_DIFFERS"));
  EXPECT_THAT(other_.Register(RequestOf("b", "digest-2", 1)), HasReason("BASE_MODEL_DIFFERS"));
  EXPECT_THAT(Register("b", "digest-1"), IsOk());
  PassGoneTime();
  EXPECT_THAT(Register("c", "digest-2"), IsOk());
  EXPECT_EQ(registry_.GetBaseModel(kToyBase)->base_model().digest(), "digest-2");
  EXPECT_THAT(registry_.Registered("a"), HasReason("NOT_REGISTERED"))
      << "its base model may have been replaced";
  EXPECT_THAT(registry_.Registered("nobody"), HasReason("NOT_REGISTERED"));
}

TEST_P(WorkerRegistryTest, AWorkerMayRegisterAnotherBaseModel) {
  ASSERT_THAT(Register("a", "digest-1"), IsOk());
  ASSERT_THAT(Register("a", "digest-2"), IsOk());
  EXPECT_EQ(registry_.GetBaseModel(kToyBase)->base_model().digest(), "digest-2");
  EXPECT_EQ(registry_.Registered("a")->registration.base_models(0).base_model().digest(),
            "digest-2");
}

INSTANTIATE_TEST_SUITE_P(Backends, WorkerRegistryTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
