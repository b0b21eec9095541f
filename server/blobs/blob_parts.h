// What everything in this folder works on: the objects, their rows and the clock.
#pragma once

#include <absl/time/time.h>

#include "server/jobs/store_clock.h"
#include "server/objects/object_store.h"
#include "server/sql/database.h"

namespace vico::server {

/// References, which must outlive the holder.
struct BlobParts {
  ObjectStore& objects;
  Database& database;
  const StoreClock& time;
  /// How long the object of a deleted blob is kept: as long as the database may be restored to an
  /// earlier time.
  absl::Duration grace = absl::ZeroDuration();
};

}  // namespace vico::server
