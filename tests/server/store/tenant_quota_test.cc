// The quotas of adapters and bytes, where jobs and imports meet them.
#include <atomic>
#include <thread>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

class TenantQuotaTest : public JobStoreTest {
 protected:
  void Limit(const TenantQuota& quota) {
    options_.quota = quota;
    Open();
    catalog_ = std::make_unique<SqlCatalog>(*database_, *time_, quota);
  }

  static RequestKey Key(const std::string& id) { return {"default", id, "h"}; }
};

TEST_P(TenantQuotaTest, TrainingsInProgressCountAsAdapters) {
  Limit({.bytes = 0, .adapters = 2});
  Submitted(Training("request-1"));
  const Grant running = Leased();
  Submitted(Training("request-2"));
  EXPECT_THAT(jobs_->Submit(Training("request-3")), HasReason("QUOTA_EXCEEDED"));
  EXPECT_THAT(jobs_->Submit(Training("request-3")), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(catalog_->CreateAdapter(Key("request-4"), {}), HasReason("QUOTA_EXCEEDED"));
  EXPECT_THAT(jobs_->Submit(Generation("request-5")), IsOk()) << "makes no adapter";
  EXPECT_THAT(jobs_->Submit(Training("request-6", "other")), IsOk());

  const auto trained = jobs_->Finish(Trained(running));
  ASSERT_THAT(trained, IsOk()) << "what was accepted fits";
  EXPECT_THAT(jobs_->Submit(Training("request-7")), HasReason("QUOTA_EXCEEDED"));
  ASSERT_THAT(catalog_->DeleteAdapter("default", trained->adapter()), IsOk());
  EXPECT_THAT(jobs_->Submit(Training("request-8")), IsOk());
}

TEST_P(TenantQuotaTest, ATrainingThatFailsGivesItsPlaceBack) {
  Limit({.bytes = 0, .adapters = 1});
  Submitted(Training("request-1"));
  ASSERT_THAT(jobs_->Finish(Failed(Leased(), false)), IsOk());
  EXPECT_THAT(catalog_->CreateAdapter(Key("request-2"), {}), IsOk());
  EXPECT_THAT(catalog_->CreateAdapter(Key("request-3"), {}), HasReason("QUOTA_EXCEEDED"));
}

TEST_P(TenantQuotaTest, ARepeatedRequestIsAnsweredAtTheQuota) {
  Limit({.bytes = 0, .adapters = 1});
  const auto first = catalog_->CreateAdapter(Key("request-1"), {});
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(catalog_->CreateAdapter(Key("request-1"), {})->name(), first->name());
}

TEST_P(TenantQuotaTest, AFullTenantSubmitsNoJobs) {
  Limit({.bytes = 10, .adapters = 0});
  EXPECT_THAT(jobs_->Submit(Generation("request-1")), IsOk());
  ASSERT_THAT(database_->Write([](SqlSession& db) {
    return db
        .Execute(
            "INSERT INTO blob (tenant, sha256, size_bytes, state, time) "
            "VALUES ('default', 'x', 10, 'live', 0)")
        .status();
  }),
              IsOk());
  EXPECT_THAT(jobs_->Submit(Generation("request-2")), HasReason("QUOTA_EXCEEDED"));
  EXPECT_THAT(jobs_->Submit(Training("request-3")), HasReason("QUOTA_EXCEEDED"));
  EXPECT_THAT(jobs_->Submit(Generation("request-1")), IsOk()) << "a repeat";
  EXPECT_THAT(jobs_->Submit(Generation("request-4", "other")), IsOk());
}

// The count and the insertion are one transaction.
TEST_P(TenantQuotaTest, ParallelImportsStayWithinTheQuota) {
  Limit({.bytes = 0, .adapters = 3});
  std::atomic<int> created{0};
  std::vector<std::thread> imports;
  imports.reserve(8);
  for (int i = 0; i < 8; ++i) {
    imports.emplace_back([&, i] {
      if (catalog_->CreateAdapter(Key(fmt::format("request-{}", i)), {}).ok()) ++created;
    });
  }
  for (std::thread& import : imports) import.join();
  EXPECT_EQ(created, 3);
}

INSTANTIATE_TEST_SUITE_P(Backends, TenantQuotaTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
