// What several servers on one database share: the rate of new jobs, uploads under a lease, the
// version of the keys, leases.
#include <thread>

#include "server/blobs/blob_rows.h"
#include "server/store/sql_tenant_store.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

class FrontsTest : public JobStoreTest {
 protected:
  /// The job store of another server, with the same options.
  std::unique_ptr<JobStore> Another() {
    auto jobs = SqlJobStore::Open(*database_, clock_, *time_, feed_, options_);
    EXPECT_THAT(jobs, IsOk());
    return *std::move(jobs);
  }

  static v1::BlobRef Blob(char digit) {
    v1::BlobRef blob;
    blob.set_sha256(std::string(64, digit));
    return blob;
  }

  std::vector<std::string> UsersOf(char digit) {
    std::vector<std::string> users;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(users, UsersOfBlob(db, "default", std::string(64, digit)));
      return absl::OkStatus();
    }),
                IsOk());
    return users;
  }
};

TEST_P(FrontsTest, AllServersTogetherTakeATenantsRateOfNewJobs) {
  options_.submits_per_second = 2;
  options_.submit_burst = 3;
  Open();
  const auto other = Another();
  int requests = 0;
  const auto submit = [&](JobStore& jobs, const std::string& tenant = "default") {
    return jobs.Submit(Generation(fmt::format("request-{}", ++requests), tenant)).status();
  };
  EXPECT_THAT(submit(*jobs_), IsOk());
  EXPECT_THAT(submit(*other), IsOk());
  EXPECT_THAT(submit(*jobs_), IsOk());
  const absl::Status refused = submit(*other);
  EXPECT_THAT(refused, HasReason("SUBMIT_RATE"));
  EXPECT_EQ(RetryAfter(refused), absl::Milliseconds(500));
  EXPECT_THAT(submit(*other, "other"), IsOk());
  EXPECT_THAT(other->Submit(Generation("request-1")), IsOk()) << "a repeat is free";
  clock_.Advance(absl::Milliseconds(499));
  EXPECT_THAT(submit(*other), HasReason("SUBMIT_RATE"));
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(submit(*jobs_), IsOk());
  EXPECT_THAT(submit(*other), HasReason("SUBMIT_RATE"));
  clock_.Advance(absl::Hours(1));
  for (int i = 0; i < 3; ++i) EXPECT_THAT(submit(*other), IsOk());
  EXPECT_THAT(submit(*jobs_), HasReason("SUBMIT_RATE")) << "the burst does not grow";
}

TEST_P(FrontsTest, AnUploadIsReferencedUntilItsLeaseEnds) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  const auto other = Another();
  EXPECT_THAT(jobs_->NameUpload(grant.job.name(), grant.lease_id, Blob('a')), IsOk());
  EXPECT_THAT(jobs_->NameUpload(grant.job.name(), grant.lease_id, Blob('d')),
              HasReason("BLOB_MISSING"));
  EXPECT_THAT(jobs_->NameUpload(grant.job.name(), "lease_x", Blob('b')), HasReason("LEASE_LOST"));
  EXPECT_TRUE(*other->IsUpload("default", grant.lease_id, std::string(64, 'a')));
  EXPECT_FALSE(*other->IsUpload("default", grant.lease_id, std::string(64, 'b')));
  EXPECT_FALSE(*other->IsUpload("default", "lease_x", std::string(64, 'a')));
  EXPECT_FALSE(*other->IsUpload("other", grant.lease_id, std::string(64, 'a')));
  EXPECT_THAT(UsersOf('a'), testing::ElementsAre("leases/" + grant.lease_id));
  ASSERT_THAT(other->Finish(Released(grant)), IsOk());
  EXPECT_FALSE(*jobs_->IsUpload("default", grant.lease_id, std::string(64, 'a')));
  EXPECT_THAT(UsersOf('a'), testing::IsEmpty());
  EXPECT_THAT(jobs_->NameUpload(grant.job.name(), grant.lease_id, Blob('a')),
              HasReason("LEASE_LOST"));
}

TEST_P(FrontsTest, AnExpiredLeaseGivesItsUploadsUp) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->NameUpload(grant.job.name(), grant.lease_id, Blob('a')), IsOk());
  ASSERT_THAT(jobs_->Report(ReportOf(grant, 1)), IsOk());
  EXPECT_THAT(UsersOf('a'), testing::SizeIs(1)) << "the lease goes on";
  clock_.Advance(absl::Seconds(31));
  ASSERT_EQ(*jobs_->ReturnExpired(), 1);
  EXPECT_THAT(UsersOf('a'), testing::IsEmpty());
}

TEST_P(FrontsTest, ALeaseWithoutWorkChangesNothing) {
  options_.trainings_per_tenant = 1;
  Open();
  Submitted(Training("request-1"));
  Submitted(Training("request-2"));
  Leased();
  // A writer that never ends holds no such lease up.
  bool asked = false;
  ASSERT_THAT(database_->Write([&](SqlSession&) -> absl::Status {
    std::thread waiting([&] { asked = NothingToLease(); });
    waiting.join();
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_TRUE(asked);
}

TEST_P(FrontsTest, TheKeyVersionRisesWithEachChangeOfKeysOnly) {
  SqlTenantStore tenants(*database_, clock_);
  int64_t last = *tenants.KeyVersion();
  const auto has_risen = [&] {
    const int64_t now = *tenants.KeyVersion();
    return std::exchange(last, now) < now;
  };
  ASSERT_THAT(tenants.Create("acme"), IsOk());
  EXPECT_TRUE(has_risen());
  const auto created = tenants.CreateKey("acme", v1::KEY_ROLE_USER);
  ASSERT_THAT(created, IsOk());
  EXPECT_TRUE(has_risen());
  Submitted(Generation("request-1", "acme"));
  ASSERT_THAT(jobs_->Lease(Ask("worker", "nonce")), IsOk());
  ASSERT_THAT(tenants.Active(), IsOk());
  EXPECT_FALSE(has_risen());
  ASSERT_THAT(tenants.RevokeKey("acme", created->key.id()), IsOk());
  EXPECT_TRUE(has_risen());
  ASSERT_THAT(tenants.BeginDelete("acme"), IsOk());
  EXPECT_TRUE(has_risen());
}

INSTANTIATE_TEST_SUITE_P(Backends, FrontsTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
