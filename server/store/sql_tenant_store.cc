#include "server/store/sql_tenant_store.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "common/status.h"
#include "server/access/api_key.h"
#include "server/jobs/job.h"
#include "server/rows/page_token.h"

namespace vico::server {
namespace {

using google::protobuf::util::TimeUtil;

constexpr int64_t kActiveKeysOfARole = 2;

absl::Status CheckTenantName(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool good = !name.empty() && name.size() <= 63 && is_letter(name[0]) &&
                    std::all_of(name.begin(), name.end(),
                                [&](char c) { return is_letter(c) || c == '_' || c == '-'; });
  if (good && name != kSystemTenant) return absl::OkStatus();
  return FieldError("name",
                    fmt::format("must be 1 to 63 characters of a-z, 0-9, _ and -, begin with "
                                "a letter or digit, and not be \"{}\"",
                                kSystemTenant));
}

v1::TenantState StateOf(std::string_view name) {
  if (name == "active") return v1::TENANT_STATE_ACTIVE;
  if (name == "deleting") return v1::TENANT_STATE_DELETING;
  return v1::TENANT_STATE_DELETED;
}

v1::KeyRole RoleOf(std::string_view name) {
  return name == "tenant-admin" ? v1::KEY_ROLE_TENANT_ADMIN : v1::KEY_ROLE_USER;
}

// Columns: name, state, create_time.
v1::Tenant TenantOf(const SqlRow& row) {
  v1::Tenant tenant;
  tenant.set_name(row.Text(0));
  tenant.set_state(StateOf(row.Text(1)));
  if (row.Int(2) != 0) {
    *tenant.mutable_create_time() = TimeUtil::MicrosecondsToTimestamp(row.Int(2));
  }
  return tenant;
}

// Columns: id, role, create_time, revoke_time.
v1::ApiKey KeyOf(const SqlRow& row) {
  v1::ApiKey key;
  key.set_id(row.Text(0));
  key.set_role(RoleOf(row.Text(1)));
  *key.mutable_create_time() = TimeUtil::MicrosecondsToTimestamp(row.Int(2));
  if (row.Int(3) != 0) *key.mutable_revoke_time() = TimeUtil::MicrosecondsToTimestamp(row.Int(3));
  return key;
}

absl::Status NoTenant(std::string_view name) {
  return Error(absl::StatusCode::kNotFound, fmt::format("tenant {}: does not exist", name),
               "TENANT_NOT_FOUND");
}

absl::StatusOr<v1::Tenant> Find(SqlSession& db, std::string_view name) {
  absl::StatusOr<v1::Tenant> found = NoTenant(name);
  RETURN_IF_ERROR(db.Query("SELECT name, state, create_time FROM tenant WHERE name = ?", {name},
                           [&](const SqlRow& row) {
                             found = TenantOf(row);
                             return absl::OkStatus();
                           }));
  return found;
}

absl::StatusOr<v1::ApiKey> FindKey(SqlSession& db, std::string_view tenant, std::string_view id) {
  absl::StatusOr<v1::ApiKey> found = Error(
      absl::StatusCode::kNotFound, fmt::format("key {}: does not exist", id), "KEY_NOT_FOUND");
  RETURN_IF_ERROR(
      db.Query("SELECT id, role, create_time, revoke_time FROM api_key WHERE id = ? AND tenant = ?",
               {id, tenant}, [&](const SqlRow& row) {
                 found = KeyOf(row);
                 return absl::OkStatus();
               }));
  return found;
}

}  // namespace

absl::StatusOr<v1::Tenant> SqlTenantStore::Create(const std::string& name) {
  RETURN_IF_ERROR(CheckTenantName(name));
  const int64_t now = absl::ToUnixMicros(clock_.Now());
  v1::Tenant created;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    // A tenant that was inserted with its first job, on a server without keys, has no create time.
    ASSIGN_OR_RETURN(
        const int changed,
        db.Execute("INSERT INTO tenant (name, create_time) VALUES (?1, ?2) "
                   "ON CONFLICT (name) DO UPDATE SET create_time = excluded.create_time "
                   "WHERE tenant.create_time IS NULL AND tenant.state = 'active'",
                   {name, now}));
    if (changed == 0) {
      return absl::AlreadyExistsError(
          fmt::format("tenant {}: exists or existed; a name cannot be used again", name));
    }
    ASSIGN_OR_RETURN(created, Find(db, name));
    return absl::OkStatus();
  }));
  return created;
}

absl::StatusOr<v1::Tenant> SqlTenantStore::Get(std::string_view name) {
  v1::Tenant tenant;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(tenant, Find(db, name));
    return absl::OkStatus();
  }));
  return tenant;
}

absl::StatusOr<TenantPage> SqlTenantStore::List(int page_size, std::string_view page_token) {
  constexpr PageScope kScope{"tenants", ""};
  TenantPage page;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string after, LastOfPage(db, kScope, page_token));
    bool more = false;
    RETURN_IF_ERROR(
        db.Query("SELECT name, state, create_time FROM tenant WHERE name > ? ORDER BY name LIMIT ?",
                 {after, int64_t{page_size} + 1}, [&](const SqlRow& row) {
                   if (page.tenants.size() == static_cast<size_t>(page_size)) {
                     more = true;
                   } else {
                     page.tenants.push_back(TenantOf(row));
                   }
                   return absl::OkStatus();
                 }));
    if (!more) return absl::OkStatus();
    ASSIGN_OR_RETURN(page.next_page_token,
                     PageToken(db, kScope, std::string_view(page.tenants.back().name())));
    return absl::OkStatus();
  }));
  return page;
}

absl::Status SqlTenantStore::BeginDelete(std::string_view name) {
  const int64_t now = absl::ToUnixMicros(clock_.Now());
  return database_.Write([&](SqlSession& db) -> absl::Status {
    // Leases change the tenant's row and its jobs.
    RETURN_IF_ERROR(db.Lock(kLeaseScope));
    RETURN_IF_ERROR(db.Lock(TenantScope(name)));
    // The triggers that refuse rows of deleted tenants wait for this lock, and it for them.
    ASSIGN_OR_RETURN(const int64_t found,
                     db.QueryInt("SELECT 1 FROM tenant WHERE name = ? FOR UPDATE", {name}, 0));
    if (found == 0) return NoTenant(name);
    RETURN_IF_ERROR(db.Send(
        "UPDATE tenant SET state = 'deleting' WHERE name = ? AND state = 'active'", {name}));
    // Ends the leases, so that no worker adds rows or blobs.
    RETURN_IF_ERROR(
        db.Send("UPDATE job SET state = 'cancelled', lease_id = NULL, "
                "lease_worker = NULL, lease_nonce = NULL, lease_until = NULL "
                "WHERE tenant = ? AND state IN ('queued', 'running')",
                {name}));
    return db.Send("UPDATE api_key SET revoke_time = ? WHERE tenant = ? AND revoke_time IS NULL",
                   {now, name});
  });
}

absl::Status SqlTenantStore::EndDelete(std::string_view name) {
  return database_.Write([&](SqlSession& db) {
    return db.Send("UPDATE tenant SET state = 'deleted' WHERE name = ? AND state = 'deleting'",
                   {name});
  });
}

absl::StatusOr<std::vector<std::string>> SqlTenantStore::Deleting() {
  std::vector<std::string> names;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    return db.Query("SELECT name FROM tenant WHERE state = 'deleting' ORDER BY name", {},
                    [&](const SqlRow& row) {
                      names.push_back(row.Text(0));
                      return absl::OkStatus();
                    });
  }));
  return names;
}

absl::StatusOr<CreatedKey> SqlTenantStore::CreateKey(std::string_view tenant, v1::KeyRole role) {
  FreshKey fresh = NewApiKey();
  const std::string_view role_name = KeyRoleName(role);
  const int64_t now = absl::ToUnixMicros(clock_.Now());
  CreatedKey created;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(db.Lock(TenantScope(tenant)));
    RETURN_IF_ERROR(Find(db, tenant).status());
    ASSIGN_OR_RETURN(const int64_t active,
                     db.QueryInt("SELECT count(*) FROM api_key WHERE tenant = ? AND role = ? AND "
                                 "revoke_time IS NULL",
                                 {tenant, role_name}, 0));
    if (active >= kActiveKeysOfARole) {
      return Error(
          absl::StatusCode::kFailedPrecondition,
          fmt::format("{} keys of role {} are active: revoke one first", active, role_name),
          "TOO_MANY_KEYS");
    }
    RETURN_IF_ERROR(
        db.Send("INSERT INTO api_key (id, tenant, role, sha256, create_time) "
                "VALUES (?, ?, ?, ?, ?)",
                {fresh.id, tenant, role_name, fresh.sha256, now}));
    ASSIGN_OR_RETURN(created.key, FindKey(db, tenant, fresh.id));
    return absl::OkStatus();
  }));
  created.secret = std::move(fresh.text);
  return created;
}

absl::StatusOr<std::vector<v1::ApiKey>> SqlTenantStore::ListKeys(std::string_view tenant) {
  std::vector<v1::ApiKey> keys;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(Find(db, tenant).status());
    return db.Query(
        "SELECT id, role, create_time, revoke_time FROM api_key WHERE tenant = ? "
        "ORDER BY create_time DESC, id LIMIT 100",
        {tenant}, [&](const SqlRow& row) {
          keys.push_back(KeyOf(row));
          return absl::OkStatus();
        });
  }));
  return keys;
}

absl::StatusOr<v1::ApiKey> SqlTenantStore::RevokeKey(std::string_view tenant, std::string_view id) {
  const int64_t now = absl::ToUnixMicros(clock_.Now());
  v1::ApiKey revoked;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(
        db.Send("UPDATE api_key SET revoke_time = ? WHERE id = ? AND tenant = ? AND "
                "revoke_time IS NULL",
                {now, id, tenant}));
    ASSIGN_OR_RETURN(revoked, FindKey(db, tenant, id));
    return absl::OkStatus();
  }));
  return revoked;
}

absl::StatusOr<ActiveKeys> SqlTenantStore::Active() {
  ActiveKeys active;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(
        const int64_t created,
        db.QueryInt("SELECT 1 FROM tenant WHERE create_time IS NOT NULL LIMIT 1", {}, 0));
    active.configured = created != 0;
    return db.Query(
        "SELECT api_key.id, api_key.tenant, api_key.role, api_key.sha256 FROM api_key "
        "JOIN tenant ON tenant.name = api_key.tenant "
        "WHERE api_key.revoke_time IS NULL AND tenant.state = 'active'",
        {}, [&](const SqlRow& row) {
          active.keys.push_back({row.Text(0), row.Text(1), RoleOf(row.Text(2)), row.Text(3)});
          return absl::OkStatus();
        });
  }));
  return active;
}

absl::StatusOr<int64_t> SqlTenantStore::KeyVersion() {
  int64_t version = 0;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(version, db.QueryInt("SELECT version FROM key_version", {}, 0));
    return absl::OkStatus();
  }));
  return version;
}

}  // namespace vico::server
