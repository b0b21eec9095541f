// Removes what deleted tenants have left: rows first, then blobs. A crash in the middle costs
// nothing: the tenant is still marked, and erasing begins again.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "server/blobs/blob_store.h"
#include "server/sql/database.h"
#include "server/store/tenant_store.h"

namespace vico::server {

/// Any thread; one erases at a time. The references must outlive it.
class TenantEraser {
 public:
  TenantEraser(Database& database, BlobStore& blobs, TenantStore& tenants, const Clock& clock)
      : database_(database), blobs_(blobs), tenants_(tenants), clock_(clock) {}

  /// Erases the marked tenants, in transactions of a few hundred rows, until all are gone or
  /// `patience` is over. True when nothing is left to do.
  absl::StatusOr<bool> Run(absl::Duration patience);

 private:
  absl::StatusOr<bool> EraseRows(std::string_view tenant, absl::Duration until);

  Database& database_;
  BlobStore& blobs_;
  TenantStore& tenants_;
  const Clock& clock_;
  std::mutex mutex_;  // held while erasing
};

/// The tables whose rows are a tenant's, with a column `tenant`.
const std::vector<std::string_view>& TablesOfTenants();

}  // namespace vico::server
