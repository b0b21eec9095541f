// The measurements so far, one JSON object for each line, so that an interrupted evaluation can
// resume.
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
  /// Reads the file. Drops a last line that was cut off; kInvalidArgument for any other line that
  /// is not a record.
  static absl::StatusOr<Records> Open(const std::string& path);

  /// A hash of everything that a measurement depends on.
  static std::string Key(const Json& settings);

  /// The record under this key, or null.
  const Json* Find(const std::string& key) const;

  /// Appends the record and syncs it to the disk.
  absl::Status Add(const std::string& key, const Json& record);

 private:
  std::string path_;
  std::map<std::string, Json> records_;
};

}  // namespace vico::toyworld
