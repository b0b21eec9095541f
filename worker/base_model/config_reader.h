// Reads the values of a JSON config file and keeps the first error.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <nlohmann/json.hpp>

namespace vico::worker {

class ConfigReader {
 public:
  enum class Presence {
    kRequired,
    kOptional
  };  ///< an absent or null optional value stays as it is

  ConfigReader(std::string_view json, std::string_view source);

  void Integer(const char* key, int64_t& value, int64_t min, int64_t max,
               Presence presence = Presence::kOptional);
  void Integers(const char* key, std::vector<int64_t>& values, int64_t min, int64_t max);
  void Number(const char* key, double& value, double min, double max);
  void Numbers(const char* key, std::vector<double>& values, double min, double max, int64_t count);
  void Flag(const char* key, bool& value);
  void Text(const char* key, std::string& value, Presence presence = Presence::kOptional);
  void OneOf(const char* key, std::string& value, const std::vector<std::string>& allowed);
  std::vector<std::string> Texts(const char* key);  ///< required

  /// Requires that the key is absent, null, `only` or a list of `only`: nothing else is supported.
  void Only(const char* key, const nlohmann::json& only);

  /// Requires that the key is absent, null or false: the feature is not supported.
  void Off(const char* key);

  /// Records "source: key: what, found value".
  void Refuse(const char* key, std::string_view what);

  bool Has(const char* key);
  bool IsList(const char* key);

  /// The keys of the file that no call has read.
  std::vector<std::string> Unread() const;

  const absl::Status& status() const { return status_; }

 private:
  const nlohmann::json* Find(const char* key, Presence presence);

  std::string source_;
  nlohmann::json json_;
  std::set<std::string> read_;
  absl::Status status_;
};

}  // namespace vico::worker
