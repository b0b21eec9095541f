#include "server/store/sql_tenant_eraser.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr int64_t kRowsAtOnce = 500;

/// Deletes at most kRowsAtOnce of the tenant's rows that `sql` finds. True when there were none.
absl::StatusOr<bool> DeleteSome(Database& database, std::string_view sql, std::string_view tenant) {
  int deleted = 0;
  RETURN_IF_ERROR(database.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(deleted, db.Execute(sql, {tenant, kRowsAtOnce}));
    return absl::OkStatus();
  }));
  return deleted == 0;
}

/// Fills in the job of answers that were stored before schema 3, which have none.
absl::Status FillInJobsOfAnswers(SqlSession& db) {
  std::vector<std::pair<std::string, std::string>> jobs;  // by lease id
  RETURN_IF_ERROR(db.Query("SELECT lease_id, answer FROM finish WHERE job IS NULL", {},
                           [&](const SqlRow& row) -> absl::Status {
                             v1::Job job;
                             if (!job.ParseFromString(row.Text(1))) {
                               return absl::DataLossError("database: a stored answer is damaged");
                             }
                             jobs.emplace_back(row.Text(0), job.name());
                             return absl::OkStatus();
                           }));
  for (const auto& [lease_id, job] : jobs) {
    RETURN_IF_ERROR(db.Send("UPDATE finish SET job = ? WHERE lease_id = ?", {job, lease_id}));
  }
  return absl::OkStatus();
}

/// The DELETE statements, in an order that keeps foreign keys valid.
std::vector<std::string> Deletions() {
  std::vector<std::string> all = {
      "DELETE FROM event WHERE (job, sequence) IN (SELECT event.job, event.sequence FROM job "
      "JOIN event ON event.job = job.number WHERE job.tenant = ? LIMIT ?)",
      "DELETE FROM finish WHERE lease_id IN (SELECT finish.lease_id FROM job "
      "JOIN finish ON finish.job = job.name WHERE job.tenant = ? LIMIT ?)",
  };
  for (const std::string_view table : TablesOfTenants()) {
    const std::string_view key = table == "job" || table == "concept" || table == "adapter"
                                     ? "number"
                                 : table == "request"                         ? "request_id"
                                 : table == "picture" || table == "thumbnail" ? "source_sha256"
                                 : table == "uploaded_picture"                ? "name"
                                                                              : "id";
    all.push_back(
        fmt::format("DELETE FROM {0} WHERE tenant = ?1 AND {1} IN (SELECT {1} FROM {0} WHERE "
                    "tenant = ?1 LIMIT ?2)",
                    table, key));
  }
  return all;
}

}  // namespace

const std::vector<std::string_view>& TablesOfTenants() {
  static const std::vector<std::string_view> tables = {"job",       "concept",         "adapter",
                                                       "picture",   "request",         "api_key",
                                                       "thumbnail", "uploaded_picture"};
  return tables;
}

absl::StatusOr<bool> SqlTenantEraser::Run(absl::Duration time_limit) {
  const absl::Duration until = clock_.Uptime() + time_limit;
  const MutexLock lock(erasing_);
  ASSIGN_OR_RETURN(const std::vector<std::string> tenants, tenants_.Deleting());
  for (const std::string& tenant : tenants) {
    ASSIGN_OR_RETURN(const bool gone, EraseRows(tenant, until));
    if (!gone) return false;
    RETURN_IF_ERROR(blobs_.RemoveTenant(tenant));
    RETURN_IF_ERROR(tenants_.EndDelete(tenant));
  }
  // The log of changes still contains the deleted rows.
  if (!tenants.empty()) RETURN_IF_ERROR(database_.TruncateLog());
  return true;
}

absl::StatusOr<bool> SqlTenantEraser::EraseRows(std::string_view tenant, absl::Duration until) {
  static const std::vector<std::string> deletions = Deletions();
  RETURN_IF_ERROR(database_.Write(FillInJobsOfAnswers));
  for (const std::string& sql : deletions) {
    bool none = false;
    while (!none) {
      if (clock_.Uptime() > until) return false;
      ASSIGN_OR_RETURN(none, DeleteSome(database_, sql, tenant));
    }
  }
  return true;
}

}  // namespace vico::server
