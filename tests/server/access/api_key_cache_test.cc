#include "server/access/api_key_cache.h"

#include <gmock/gmock.h>

#include "server/sql/database.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

class ApiKeyCacheTest : public testing::Test {
 protected:
  ApiKeyCacheTest() {
    EXPECT_THAT(tenants_.Create("acme"), IsOk());
    auto created = tenants_.CreateKey("acme", v1::KEY_ROLE_USER);
    EXPECT_THAT(created, IsOk());
    key_ = *std::move(created);
  }

  TempFolder folder_;
  FakeClock clock_;
  const std::unique_ptr<Database> database_ = *Database::Open(folder_.path() + "/vico.db");
  TenantStore tenants_{*database_, clock_};
  ApiKeyCache ring_{tenants_, clock_};
  CreatedKey key_;
};

TEST_F(ApiKeyCacheTest, BeforeTheFirstLookNoKeyIsTrusted) {
  EXPECT_THAT(ring_.Find(key_.secret.Reveal()), HasReason("KEYS_STALE"));
}

TEST_F(ApiKeyCacheTest, AGoodKeySaysTenantAndRole) {
  ASSERT_THAT(ring_.Refresh(), IsOk());
  const auto caller = ring_.Find(key_.secret.Reveal());
  ASSERT_THAT(caller, IsOk());
  EXPECT_EQ(caller->tenant, "acme");
  EXPECT_EQ(caller->key_id, key_.key.id());
  EXPECT_TRUE(caller->roles == Roles{Role::kUser});
  EXPECT_THAT(ring_.Check(key_.key.id()), IsOk());
}

TEST_F(ApiKeyCacheTest, KeysThatCouldNotBeReadForFiveSecondsAreNotTrusted) {
  ASSERT_THAT(ring_.Refresh(), IsOk());
  clock_.Advance(absl::Seconds(5));
  EXPECT_THAT(ring_.Find(key_.secret.Reveal()), IsOk());
  clock_.Advance(absl::Milliseconds(1));
  const auto found = ring_.Find(key_.secret.Reveal());
  EXPECT_THAT(found, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_GT(RetryAfter(found.status()), absl::ZeroDuration());
  EXPECT_THAT(ring_.Check(key_.key.id()), HasReason("KEYS_STALE"));
}

TEST_F(ApiKeyCacheTest, ARefreshTellsWhetherAKeyWasLost) {
  EXPECT_THAT(*ring_.Refresh(), true) << "from now on calls without a key are nobody's";
  EXPECT_THAT(*ring_.Refresh(), false);
  ASSERT_THAT(tenants_.RevokeKey("acme", key_.key.id()), IsOk());
  EXPECT_THAT(*ring_.Refresh(), true);
  EXPECT_THAT(ring_.Check(key_.key.id()), HasReason("KEY_INVALID"));
  EXPECT_THAT(ring_.Find(key_.secret.Reveal()), HasReason("KEY_INVALID"));
}

}  // namespace
}  // namespace vico::server
