#include "server/access/tenant_maintenance.h"

#include <chrono>
#include <utility>

namespace vico::server {
namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr absl::Duration kErasing = absl::Seconds(1);  // of one turn: keys come first

}  // namespace

TenantMaintenance::TenantMaintenance(ApiKeyCache& keys, TenantEraser& eraser, Log log,
                           std::function<void()> on_revoked)
    : keys_(keys), eraser_(eraser), log_(std::move(log)), on_revoked_(std::move(on_revoked)) {}

void TenantMaintenance::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
}

void TenantMaintenance::Refresh() {
  const absl::StatusOr<bool> lost = keys_.Refresh();
  if (!lost.ok()) {
    log_.Error("the keys could not be read", {{"error", lost.status().ToString()}});
  } else if (*lost) {
    on_revoked_();
  }
}

void TenantMaintenance::Loop(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    lock.unlock();
    Refresh();
    if (const auto erased = eraser_.Run(kErasing); !erased.ok()) {
      log_.Error("a deleted tenant was not erased", {{"error", erased.status().ToString()}});
    }
    lock.lock();
    wake_.wait_for(lock, stop, kInterval, [] { return false; });
  }
}

}  // namespace vico::server
