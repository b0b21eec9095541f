#include "server/workers/lease_holders.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace vico::server {
namespace {

Grant GrantOf(const std::string& lease_id) {
  Grant grant;
  grant.lease_id = lease_id;
  grant.worker = "worker of " + lease_id;
  grant.job.set_name("jobs/1");
  grant.job.set_kind(v1::JOB_KIND_TRAINING);
  return grant;
}

TEST(LeaseHoldersTest, OfSeveralCallsAboutALeaseOneCounts) {
  LeaseHolders holders;
  EXPECT_FALSE(holders.Find("lease_1"));
  EXPECT_TRUE(holders.Add(GrantOf("lease_1")));
  EXPECT_FALSE(holders.Add(GrantOf("lease_1")));
  ASSERT_TRUE(holders.Find("lease_1"));
  EXPECT_EQ(holders.Find("lease_1")->worker, "worker of lease_1");
  EXPECT_EQ(holders.Find("lease_1")->job, "jobs/1");
  EXPECT_EQ(holders.Find("lease_1")->kind, v1::JOB_KIND_TRAINING);
  EXPECT_TRUE(holders.Remove("lease_1"));
  EXPECT_FALSE(holders.Remove("lease_1"));
  EXPECT_FALSE(holders.Find("lease_1"));
}

TEST(LeaseHoldersTest, LeasesThatNobodyRemovesAreForgottenInTheEnd) {
  LeaseHolders holders;
  for (size_t i = 0; i <= LeaseHolders::kMost; ++i) holders.Add(GrantOf(fmt::format("{}", i)));
  EXPECT_FALSE(holders.Find("0"));
  EXPECT_TRUE(holders.Find("1"));
  EXPECT_TRUE(holders.Find(fmt::format("{}", LeaseHolders::kMost)));
}

}  // namespace
}  // namespace vico::server
