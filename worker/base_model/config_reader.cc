#include "worker/base_model/config_reader.h"

#include <algorithm>

#include <fmt/format.h>

namespace vico::worker {

using nlohmann::json;

ConfigReader::ConfigReader(std::string_view text, std::string_view source)
    : source_(source), json_(json::parse(text.begin(), text.end(), nullptr, false)) {
  if (!json_.is_object()) {
    status_ = absl::InvalidArgumentError(fmt::format("{}: is not a JSON object", source_));
    json_ = json::object();
  }
}

bool ConfigReader::Has(const char* key) {
  read_.insert(key);
  const auto it = json_.find(key);
  return it != json_.end() && !it->is_null();
}

bool ConfigReader::IsList(const char* key) { return Has(key) && json_[key].is_array(); }

std::vector<std::string> ConfigReader::Unread() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : json_.items()) {
    if (!read_.contains(key)) keys.push_back(key);
  }
  return keys;
}

const json* ConfigReader::Find(const char* key, Presence presence) {
  if (Has(key)) return &json_[key];
  if (presence == Presence::kRequired) Refuse(key, "is required");
  return nullptr;
}

void ConfigReader::Refuse(const char* key, std::string_view what) {
  if (!status_.ok()) return;
  const auto found =
      Has(key) ? json_[key].dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 80)
               : "nothing";
  status_ =
      absl::InvalidArgumentError(fmt::format("{}: {}: {}, found {}", source_, key, what, found));
}

void ConfigReader::Integer(const char* key, int64_t& value, int64_t min, int64_t max,
                           Presence presence) {
  const json* found = Find(key, presence);
  if (found == nullptr) return;
  if (!found->is_number_integer() || *found < min || *found > max) {
    return Refuse(key, fmt::format("must be an integer in {}..{}", min, max));
  }
  value = found->get<int64_t>();
}

void ConfigReader::Integers(const char* key, std::vector<int64_t>& values, int64_t min,
                            int64_t max) {
  const json* found = Find(key, Presence::kRequired);
  if (found == nullptr) return;
  const bool fits = found->is_array() && !found->empty() && found->size() <= 8 &&
                    std::all_of(found->begin(), found->end(), [&](const json& item) {
                      return item.is_number_integer() && item >= min && item <= max;
                    });
  if (!fits) return Refuse(key, fmt::format("must be 1 to 8 integers in {}..{}", min, max));
  values = found->get<std::vector<int64_t>>();
}

void ConfigReader::Number(const char* key, double& value, double min, double max) {
  const json* found = Find(key, Presence::kOptional);
  if (found == nullptr) return;
  if (!found->is_number() || *found < min || *found > max) {
    return Refuse(key, fmt::format("must be a number in {}..{}", min, max));
  }
  value = found->get<double>();
}

void ConfigReader::Numbers(const char* key, std::vector<double>& values, double min, double max,
                           int64_t count) {
  const json* found = Find(key, Presence::kOptional);
  if (found == nullptr) return;
  const bool fits = found->is_array() && static_cast<int64_t>(found->size()) == count &&
                    std::all_of(found->begin(), found->end(), [&](const json& item) {
                      return item.is_number() && item >= min && item <= max;
                    });
  if (!fits) return Refuse(key, fmt::format("must be {} numbers in {}..{}", count, min, max));
  values = found->get<std::vector<double>>();
}

void ConfigReader::Flag(const char* key, bool& value) {
  const json* found = Find(key, Presence::kOptional);
  if (found == nullptr) return;
  if (!found->is_boolean()) return Refuse(key, "must be true or false");
  value = found->get<bool>();
}

void ConfigReader::Text(const char* key, std::string& value, Presence presence) {
  const json* found = Find(key, presence);
  if (found == nullptr) return;
  if (!found->is_string()) return Refuse(key, "must be a string");
  value = found->get<std::string>();
}

void ConfigReader::OneOf(const char* key, std::string& value,
                         const std::vector<std::string>& allowed) {
  Text(key, value);
  if (Has(key) && std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    Refuse(key, fmt::format("must be one of {}", fmt::join(allowed, ", ")));
  }
}

std::vector<std::string> ConfigReader::Texts(const char* key) {
  const json* found = Find(key, Presence::kRequired);
  if (found == nullptr) return {};
  const bool fits =
      found->is_array() &&
      std::all_of(found->begin(), found->end(), [](const json& item) { return item.is_string(); });
  if (!fits) {
    Refuse(key, "must be a list of strings");
    return {};
  }
  return found->get<std::vector<std::string>>();
}

void ConfigReader::Only(const char* key, const json& only) {
  if (!Has(key) || json_[key] == only) return;
  const json& found = json_[key];
  const bool list =
      found.is_array() && !found.empty() &&
      std::all_of(found.begin(), found.end(), [&](const json& item) { return item == only; });
  if (!list) Refuse(key, fmt::format("must be {}", only.dump()));
}

void ConfigReader::Off(const char* key) {
  if (Has(key) && json_[key] != false) Refuse(key, "must be null or false");
}

}  // namespace vico::worker
