// Objects that no blob names: of deleted and replaced blobs, and of uploads that did not end. A row
// of each is durable before the object is removed, so that a removal that was begun is repeated.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/blobs/blob_parts.h"

namespace vico::server {

/// Removes at most `limit` dead objects that are due, outside of transactions, and then their rows.
/// Returns how many. With an error of the store, the rest is left to a later call.
absl::StatusOr<int> RemoveDueObjects(const BlobParts& parts, int limit);

/// Removes this object now, if it is dead and due.
absl::Status RemoveDueObject(const BlobParts& parts, const std::string& object_key);

/// Time after which an upload that has not ended counts as dead.
inline constexpr absl::Duration kLongestUpload = absl::Hours(24);

/// Before an object is stored: if the upload does not end, the object is dead.
absl::Status AnnounceObject(const BlobParts& parts, const std::string& object_key);

/// In the transaction that names the object. kUnavailable when it took so long that a collector is
/// about to remove the object.
absl::Status ClaimAnnounced(SqlSession& db, const std::string& object_key);

}  // namespace vico::server
