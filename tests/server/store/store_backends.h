// The implementations that the contract tests of the stores run against: one line each.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include <absl/status/statusor.h>
#include <gtest/gtest.h>

#include "server/sql/sqlite_database.h"

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

inline auto StoreBackends() { return testing::Values(SqliteBackend()); }

inline std::string BackendName(const testing::TestParamInfo<StoreBackend>& info) {
  return info.param.name;
}

}  // namespace vico::server
