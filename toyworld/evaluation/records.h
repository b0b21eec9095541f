// What has been measured so far, one JSON object a line: an interrupted evaluation goes on where it
// was.
#pragma once

#include <map>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <nlohmann/json.hpp>

namespace vico::toyworld {

using Json = nlohmann::ordered_json;

class Records {
 public:
  /// Reads what is there. A last line that was cut off is dropped; any other line that is no record
  /// is kInvalidArgument.
  static absl::StatusOr<Records> Open(const std::string& path);

  /// A hash of everything that a measurement depends on.
  static std::string Key(const Json& settings);

  /// The record under this key, or null.
  const Json* Find(const std::string& key) const;

  /// Appends the record, on the disk before this returns.
  absl::Status Add(const std::string& key, const Json& record);

 private:
  std::string path_;
  std::map<std::string, Json> records_;
};

}  // namespace vico::toyworld
