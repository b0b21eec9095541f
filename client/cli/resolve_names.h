// Completes the names of a command: the first letters of an id, and @last.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/arguments/arguments.h"
#include "client/lib/client.h"

namespace vico::client {

/// Replaces in `command` "{collection}/@last" by the newest entry of the collection, and the
/// first 4 or more letters of an id by the only one among the newest 1,000 that has them. Calls the
/// server only for such names, also within the name of a picture (jobs/1c9e/pictures/0). kNotFound
/// if there is no entry at all; kInvalidArgument, with the ids, if several match. A name that
/// nothing matches stays as it is, and the server says that it does not exist.
absl::Status ResolveNames(Client& client, Command& command);

/// Whether `text` has the form of the name of a picture on the server: "jobs/@last/pictures/0",
/// "pictures/{32 hexadecimal digits}". Else it is the path of a file.
bool IsPictureName(std::string_view text);

/// The names of the newest entries of "concepts", "adapters" or "jobs".
absl::StatusOr<std::vector<std::string>> NewestNames(Client& client, std::string_view collection,
                                                     std::size_t limit);

}  // namespace vico::client
