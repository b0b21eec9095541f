// The implementations that the contract tests of the stores run against: one line each.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <ostream>
#include <string>

#include <absl/status/statusor.h>
#include <gtest/gtest.h>

#include "server/postgres/postgres_database.h"
#include "server/sql/sqlite_database.h"
#include "tests/support/postgres_cluster.h"

namespace vico::server {

struct StoreBackend {
  std::string name;
  /// Opens the backend's database, which belongs to `folder`; a second call opens it again.
  absl::StatusOr<std::unique_ptr<Database>> (*open)(const std::string& folder);

  friend std::ostream& operator<<(std::ostream& out, const StoreBackend& backend) {
    return out << backend.name;
  }
};

inline StoreBackend SqliteBackend() {
  return {"sqlite",
          [](const std::string& folder) { return SqliteDatabase::Open(folder + "/vico.db"); }};
}

/// The URL of the database of `folder`, which is created with the first call. Databases of folders
/// that are gone are dropped.
inline std::string PostgresUrlOf(const std::string& folder) {
  static std::map<std::string, std::string> urls;
  PostgresCluster& cluster = PostgresCluster::OfThisProgram();
  std::erase_if(urls, [&](const auto& entry) {
    if (std::filesystem::exists(entry.first)) return false;
    cluster.DropDatabase(entry.second);
    return true;
  });
  auto [found, is_new] = urls.try_emplace(folder);
  if (is_new) found->second = cluster.NewDatabase();
  return found->second;
}

inline StoreBackend PostgresBackend() {
  return {"postgres", [](const std::string& folder) -> absl::StatusOr<std::unique_ptr<Database>> {
            return PostgresDatabase::Open({.url = PostgresUrlOf(folder)});
          }};
}

inline auto StoreBackends() { return testing::Values(SqliteBackend(), PostgresBackend()); }

inline std::string BackendName(const testing::TestParamInfo<StoreBackend>& info) {
  return info.param.name;
}

}  // namespace vico::server
