// Erases deleted tenants: rows first, then blobs.
#pragma once

#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/mutex.h"
#include "server/blobs/blob_store.h"
#include "server/sql/database.h"
#include "server/tenants/tenant_eraser.h"
#include "server/tenants/tenant_store.h"

namespace vico::server {

/// Concurrent calls of Run wait for one another.
class SqlTenantEraser final : public TenantEraser {
 public:
  /// The references must outlive it.
  SqlTenantEraser(Database& database, BlobStore& blobs, TenantStore& tenants, const Clock& clock)
      : database_(database), blobs_(blobs), tenants_(tenants), clock_(clock) {}

  /// In transactions of a few hundred rows.
  absl::StatusOr<bool> Run(absl::Duration time_limit) override;

 private:
  absl::StatusOr<bool> EraseRows(std::string_view tenant, absl::Duration until);

  Database& database_;
  BlobStore& blobs_;
  TenantStore& tenants_;
  const Clock& clock_;
  Mutex erasing_;
};

/// The tables with a column `tenant` whose rows are erased.
const std::vector<std::string_view>& TablesOfTenants();

}  // namespace vico::server
