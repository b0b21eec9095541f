#include "client/cli/output.h"

#include <algorithm>

#include <absl/time/time.h>
#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <nlohmann/json.hpp>

#include "common/plain_text.h"
#include "common/status.h"
#include "common/text/utf8.h"

namespace vico::client {
namespace {

/// The same JSON with escapes in ASCII if a terminal would interpret one of its characters.
std::string SafeJson(const std::string& json) {
  if (FindNotPlain(json).empty()) return json;
  return nlohmann::ordered_json::parse(json).dump(-1, ' ', true,
                                                  nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string JsonLine(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  // Protobuf cannot print a detail of an unknown type as JSON.
  if (!status.ok()) json = nlohmann::json{{"text", message.ShortDebugString()}}.dump();
  return SafeJson(json);
}

std::string EventJsonLine(const std::string& job, const v1::Event& event, const std::string& file) {
  nlohmann::json line = {{"job", job}, {"event", nlohmann::json::parse(JsonLine(event))}};
  if (!file.empty()) line["file"] = file;
  return SafeJson(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string EnumText(const std::string& name, const std::string& prefix) {
  std::string text = name.substr(std::min(prefix.size(), name.size()));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string StateText(v1::JobState state) {
  return EnumText(v1::JobState_Name(state), "JOB_STATE_");
}
std::string KindText(v1::JobKind kind) { return EnumText(v1::JobKind_Name(kind), "JOB_KIND_"); }
std::string DialectText(v1::Dialect dialect) {
  return EnumText(v1::Dialect_Name(dialect), "DIALECT_");
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string SizeText(std::uint64_t bytes) {
  constexpr std::uint64_t kKib = 1024;
  constexpr std::uint64_t kMib = 1024 * kKib;
  const auto size = static_cast<double>(bytes);
  if (bytes < kKib) return fmt::format("{} B", bytes);
  if (bytes < kMib) return fmt::format("{:.1f} KiB", size / kKib);
  return fmt::format("{:.1f} MiB", size / kMib);
}

std::string Printable(const std::string& text) { return PlainText(text, std::string::npos); }

absl::Status WithField(const std::string& option, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), fmt::format("{}: {}", option, ToStd(status.message())));
}

std::string WarningText(const v1::Event::Warning& warning) {
  return fmt::format("warning: {} ({})", Printable(warning.message()), Printable(warning.reason()));
}

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], ColumnsOf(Printable(row[i])));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = Printable(row[i]);
      line += cell;
      if (i + 1 < row.size()) line += std::string(widths[i] - ColumnsOf(cell) + 2, ' ');
    }
    text += line + "\n";
  }
  return text;
}

}  // namespace vico::client
