#include "server/access/tenant_maintenance.h"

#include <utility>

namespace vico::server {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);
// Limit of one turn, so that the refresh of the keys is not delayed.
constexpr absl::Duration kErasing = absl::Seconds(1);

}  // namespace

TenantMaintenance::TenantMaintenance(ApiKeyCache& keys, TenantEraser& eraser, Log log,
                                     std::function<void()> on_revoked)
    : keys_(keys), eraser_(eraser), log_(std::move(log)), on_revoked_(std::move(on_revoked)) {}

void TenantMaintenance::Start() {
  thread_.emplace(kInterval, [this] { Turn(); });
  thread_->Wake();
}

void TenantMaintenance::Stop() { thread_.reset(); }

void TenantMaintenance::Refresh() {
  const absl::StatusOr<bool> revoked = keys_.Refresh();
  if (!revoked.ok()) {
    log_.Error("API keys could not be read", {{"error", revoked.status().ToString()}});
  } else if (*revoked) {
    on_revoked_();
  }
}

void TenantMaintenance::Turn() {
  Refresh();
  if (const auto erased = eraser_.Run(kErasing); !erased.ok()) {
    log_.Error("a deleted tenant was not erased", {{"error", erased.status().ToString()}});
  }
}

}  // namespace vico::server
