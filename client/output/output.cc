#include "client/output/output.h"

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

using Json = nlohmann::ordered_json;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

/// One line, with escapes in ASCII if a terminal would interpret one of its characters.
std::string Line(const Json& json) {
  std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (FindNotPlain(line).empty()) return line;
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

void MakeNumbers(const Descriptor& type, Json& json);

/// Protobuf's JSON format has 64-bit numbers as strings.
void MakeNumber(const FieldDescriptor& field, Json& value) {
  if (value.is_array()) {
    for (Json& element : value) MakeNumber(field, element);
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    MakeNumbers(*field.message_type(), value);
  } else if (value.is_string() && field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    value = std::stoll(value.get<std::string>());
  } else if (value.is_string() && field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    value = std::stoull(value.get<std::string>());
  }
}

void MakeNumbers(const Descriptor& type, Json& json) {
  if (!json.is_object()) return;  // times and durations are text
  for (auto& [name, value] : json.items()) {
    const FieldDescriptor* const field = type.FindFieldByName(name);
    if (field == nullptr) continue;
    if (!field->is_map()) {
      MakeNumber(*field, value);
      continue;
    }
    for (auto& [key, element] : value.items()) {
      MakeNumber(*field->message_type()->map_value(), element);
    }
  }
}

Json JsonOf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  // Protobuf cannot print a detail of an unknown type as JSON.
  if (!status.ok()) return Json{{"text", message.ShortDebugString()}};
  Json json = Json::parse(text);
  MakeNumbers(*message.GetDescriptor(), json);
  return json;
}

}  // namespace

std::string JsonLine(const google::protobuf::Message& message) { return Line(JsonOf(message)); }

std::string EventJsonLine(const std::string& job, const v1::Event& event, const std::string& file) {
  Json line = {{"job", job}, {"event", JsonOf(event)}};
  if (!file.empty()) line["file"] = file;
  return Line(line);
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
