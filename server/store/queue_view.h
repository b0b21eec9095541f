// The queue as operators see it: how many jobs of each tenant wait and run, and nothing of what
// they are about.
#pragma once

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "server/sql/database.h"
#include "vico/v1/admin.pb.h"

namespace vico::server {

/// By tenant and kind.
absl::StatusOr<v1::Queue> ViewQueue(Database& database, const Clock& clock);

}  // namespace vico::server
