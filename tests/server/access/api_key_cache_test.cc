#include "server/access/api_key_cache.h"

#include <gmock/gmock.h>

#include "server/sql/sqlite_database.h"
#include "server/store/sql_tenant_store.h"
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
  const std::unique_ptr<Database> database_ = *SqliteDatabase::Open(folder_.path() + "/vico.db");
  SqlTenantStore tenants_{*database_, clock_};
  ApiKeyCache cache_{tenants_, clock_};
  CreatedKey key_;
};

TEST_F(ApiKeyCacheTest, NoKeyIsValidBeforeTheFirstRefresh) {
  EXPECT_THAT(cache_.Find(key_.secret.Reveal()), HasReason("KEYS_STALE"));
}

TEST_F(ApiKeyCacheTest, AValidKeyGivesTenantAndRole) {
  ASSERT_THAT(cache_.Refresh(), IsOk());
  const auto caller = cache_.Find(key_.secret.Reveal());
  ASSERT_THAT(caller, IsOk());
  EXPECT_EQ(caller->tenant, "acme");
  EXPECT_EQ(caller->key_id, key_.key.id());
  EXPECT_TRUE(caller->roles == Roles{Role::kUser});
  EXPECT_THAT(cache_.Check(key_.key.id()), IsOk());
}

TEST_F(ApiKeyCacheTest, KeysOlderThanFiveSecondsAreNotUsed) {
  ASSERT_THAT(cache_.Refresh(), IsOk());
  clock_.Advance(absl::Seconds(5));
  EXPECT_THAT(cache_.Find(key_.secret.Reveal()), IsOk());
  clock_.Advance(absl::Milliseconds(1));
  const auto found = cache_.Find(key_.secret.Reveal());
  EXPECT_THAT(found, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_GT(RetryAfter(found.status()), absl::ZeroDuration());
  EXPECT_THAT(cache_.Check(key_.key.id()), HasReason("KEYS_STALE"));
}

TEST_F(ApiKeyCacheTest, ARefreshReportsRemovedKeys) {
  EXPECT_THAT(*cache_.Refresh(), true) << "from now on every call needs a key";
  EXPECT_THAT(*cache_.Refresh(), false);
  ASSERT_THAT(tenants_.RevokeKey("acme", key_.key.id()), IsOk());
  EXPECT_THAT(*cache_.Refresh(), true);
  EXPECT_THAT(cache_.Check(key_.key.id()), HasReason("KEY_INVALID"));
  EXPECT_THAT(cache_.Find(key_.secret.Reveal()), HasReason("KEY_INVALID"));
}

}  // namespace
}  // namespace vico::server
