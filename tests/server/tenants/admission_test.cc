// Tests of each limit at its bound and beyond it.
#include "server/tenants/admission.h"

#include <vector>

#include <gmock/gmock.h>

#include "common/status.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

class AdmissionTest : public testing::Test {
 protected:
  Admission New(const AdmissionLimits& limits = {}) {
    return Admission(limits, clock_, [this] { return disk_; });
  }

  FakeClock clock_;
  absl::StatusOr<DiskSpace> disk_ = DiskSpace{uint64_t{100} << 30, uint64_t{100} << 30};
};

TEST_F(AdmissionTest, TwentyJobsAreAllowedAtOnceAndThenTenPerSecond) {
  Admission admission = New();
  for (int i = 0; i < 20; ++i) EXPECT_THAT(admission.Submit("a"), IsOk()) << i;
  const absl::Status refused = admission.Submit("a");
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasReason("SUBMIT_RATE"));
  EXPECT_EQ(RetryAfter(refused), absl::Milliseconds(100));
  clock_.Advance(absl::Milliseconds(99));
  EXPECT_THAT(admission.Submit("a"), HasReason("SUBMIT_RATE"));
  clock_.Advance(absl::Milliseconds(2));
  EXPECT_THAT(admission.Submit("a"), IsOk());
  EXPECT_THAT(admission.Submit("a"), HasReason("SUBMIT_RATE"));
  clock_.Advance(absl::Hours(1));
  int accepted = 0;
  while (admission.Submit("a").ok()) ++accepted;
  EXPECT_EQ(accepted, 20) << "a long rest saves up no more than a burst";
}

TEST_F(AdmissionTest, TenantsHaveTheirOwnRate) {
  Admission admission = New({.submit_burst = 1});
  EXPECT_THAT(admission.Submit("a"), IsOk());
  EXPECT_THAT(admission.Submit("b"), IsOk());
  EXPECT_THAT(admission.Submit("a"), HasReason("SUBMIT_RATE"));
  EXPECT_THAT(admission.Submit("c"), IsOk());
  EXPECT_THAT(admission.Submit("a"), HasReason("SUBMIT_RATE")) << "a new tenant refills nobody";
}

TEST_F(AdmissionTest, WatchesAreLimitedPerTenantAndInTotal) {
  Admission admission = New();
  std::vector<std::shared_ptr<Admission::Watch>> watches;
  const auto open = [&](const std::string& tenant) {
    auto watch = admission.OpenWatch(tenant);
    if (watch.ok()) watches.push_back(*std::move(watch));
    return watch.status();
  };
  for (int i = 0; i < 50; ++i) EXPECT_THAT(open("a"), IsOk()) << i;
  EXPECT_THAT(open("a"), HasReason("TOO_MANY_WATCHES"));
  EXPECT_GT(RetryAfter(open("a")), absl::ZeroDuration());
  for (int i = 50; i < 1000; ++i) EXPECT_THAT(open("tenant " + std::to_string(i / 50)), IsOk());
  EXPECT_THAT(open("one more"), HasReason("TOO_MANY_WATCHES"));
  watches.erase(watches.begin());
  EXPECT_THAT(open("a"), IsOk());
  EXPECT_THAT(open("one more"), HasReason("TOO_MANY_WATCHES"));
  watches.clear();
  EXPECT_THAT(open("one more"), IsOk());
}

TEST_F(AdmissionTest, ATenthOfTheDiskAndFiveGibibytesStayFree) {
  Admission admission = New();
  const uint64_t gib = uint64_t{1} << 30;
  disk_ = DiskSpace{10 * gib, 100 * gib};
  EXPECT_THAT(admission.Upload(), IsOk());
  EXPECT_THAT(admission.Submit("a"), IsOk());
  disk_ = DiskSpace{10 * gib - 1, 100 * gib};
  EXPECT_THAT(admission.Upload(), HasReason("DISK_NEARLY_FULL"));
  EXPECT_THAT(admission.Submit("a"), HasReason("DISK_NEARLY_FULL"));
  EXPECT_GT(RetryAfter(admission.Upload()), absl::ZeroDuration());
  disk_ = DiskSpace{5 * gib, 20 * gib};
  EXPECT_THAT(admission.Upload(), IsOk());
  disk_ = DiskSpace{5 * gib - 1, 20 * gib};
  EXPECT_THAT(admission.Upload(), HasReason("DISK_NEARLY_FULL"));
  disk_ = absl::UnavailableError("no such disk");
  EXPECT_THAT(admission.Upload(), HasCode(absl::StatusCode::kUnavailable));
}

TEST(DiskSpaceTest, OfAFolderIsThatOfItsFileSystem) {
  const auto space = DiskSpaceOf("/");
  ASSERT_THAT(space, IsOk());
  EXPECT_GT(space->total_bytes, 0u);
  EXPECT_LE(space->free_bytes, space->total_bytes);
  EXPECT_FALSE(DiskSpaceOf("/no/such/place").ok());
}

}  // namespace
}  // namespace vico::server
