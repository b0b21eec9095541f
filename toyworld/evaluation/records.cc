#include "toyworld/evaluation/records.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/status.h"

namespace vico::toyworld {

absl::StatusOr<Records> Records::Open(const std::string& path) {
  Records records;
  records.path_ = path;
  std::ifstream file(path);
  uintmax_t whole = 0;  // bytes of the complete lines
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const bool cut_off = file.eof();  // has no line feed
    if (cut_off) break;
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("key") || !json.contains("record") ||
        !json["key"].is_string()) {
      return absl::InvalidArgumentError(fmt::format("{}:{}: is not a record", path, number));
    }
    records.records_[json["key"].get<std::string>()] = json["record"];
    whole += line.size() + 1;
  }
  file.close();
  std::error_code error;
  if (std::filesystem::exists(path, error)) std::filesystem::resize_file(path, whole, error);
  if (error) return absl::UnavailableError(fmt::format("{}: {}", path, error.message()));
  return records;
}

std::string Records::Key(const Json& settings) { return Sha256Hex(settings.dump()).substr(0, 24); }

const Json* Records::Find(const std::string& key) const {
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second;
}

absl::Status Records::Add(const std::string& key, const Json& record) {
  std::ofstream file(path_, std::ios::app);
  file << Json{{"key", key}, {"record", record}}.dump() << "\n";
  file.close();
  if (!file) return absl::UnavailableError(fmt::format("{}: cannot be written", path_));
  records_[key] = record;
  return absl::OkStatus();
}

}  // namespace vico::toyworld
