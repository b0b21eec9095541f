#include "server/access/tenant_maintenance.h"

#include <utility>

namespace vico::server {
namespace {

// A revoked key is refused by every server within a second, also if no notification comes.
constexpr absl::Duration kRefreshInterval = absl::Milliseconds(400);
constexpr absl::Duration kEraseInterval = absl::Seconds(1);
constexpr absl::Duration kErasing = absl::Seconds(10);  // of one turn

}  // namespace

TenantMaintenance::TenantMaintenance(ApiKeyCache& keys, TenantEraser& eraser,
                                     const Leadership& leadership, EventFeed& feed, Log log,
                                     std::function<void()> on_revoked)
    : keys_(keys),
      eraser_(eraser),
      leadership_(leadership),
      feed_(feed),
      log_(std::move(log)),
      on_revoked_(std::move(on_revoked)) {}

void TenantMaintenance::Start() {
  refreshing_.emplace(kRefreshInterval, [this] { Refresh(); });
  erasing_.emplace(kEraseInterval, [this] { Erase(); });
  subscription_ = feed_.WatchKeys([this] { refreshing_->Wake(); });
}

void TenantMaintenance::Stop() {
  subscription_ = {};
  refreshing_.reset();
  erasing_.reset();
}

void TenantMaintenance::KeysChanged() {
  Refresh();
  feed_.KeysChanged();
}

void TenantMaintenance::Refresh() {
  const absl::StatusOr<bool> revoked = keys_.Refresh();
  if (!revoked.ok()) {
    // Once an outage, not with each attempt.
    if (!keys_unreadable_.exchange(true)) {
      log_.Error("API keys could not be read", {{"error", revoked.status().ToString()}});
    }
    return;
  }
  keys_unreadable_ = false;
  if (*revoked) on_revoked_();
}

void TenantMaintenance::Erase() {
  if (!leadership_.IsLeader()) return;
  if (const auto erased = eraser_.Run(kErasing); !erased.ok()) {
    log_.Error("a deleted tenant was not erased", {{"error", erased.status().ToString()}});
  }
}

}  // namespace vico::server
