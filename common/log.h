// The structured log: one JSON object per line, with the fields of its context (job, lease,
// worker). Never log prompts, picture bytes, seeds or keys.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include <absl/status/statusor.h>

namespace spdlog {
class logger;
namespace sinks {
class sink;
}
}  // namespace spdlog

namespace vico {

struct LogField {
  std::string_view key;
  std::variant<bool, int64_t, double, std::string_view> value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number>>>
  LogField(std::string_view k, Number v) : key(k) {
    if constexpr (std::is_same_v<Number, bool>) {
      value = v;
    } else if constexpr (std::is_floating_point_v<Number>) {
      value = static_cast<double>(v);
    } else {
      value = static_cast<int64_t>(v);
    }
  }
};

/// Any thread. Copies are cheap.
///   log.With({{"job", id}}).Info("leased", {{"attempt", 2}});
/// writes
/// {"time":"2026-01-02T03:04:05.678Z","level":"info","program":"vico-server","message":"leased",
/// "job":"jobs/1c9e…","attempt":2}.
class Log {
 public:
  /// Writes to stderr. kInvalidArgument unless `level` is debug, info, warning, error or off.
  static absl::StatusOr<Log> ToStderr(std::string_view program, std::string_view level);

  /// Writes records of all levels to `sink`.
  static Log ToSink(std::string_view program, std::shared_ptr<spdlog::sinks::sink> sink);

  /// Writes nothing.
  static Log Off();

  /// A log that adds these fields to every record.
  Log With(std::initializer_list<LogField> fields) const;

  /// Whether Debug() writes records, to skip work that only a debug record needs.
  bool WritesDebug() const;

  void Debug(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void Info(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void Warning(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void Error(std::string_view message, std::initializer_list<LogField> fields = {}) const;

 private:
  Log(std::shared_ptr<spdlog::logger> logger, std::string fields);
  void Write(int level, std::string_view message, std::initializer_list<LogField> fields) const;

  std::shared_ptr<spdlog::logger> logger_;
  // Members of a JSON object without its braces: "program":"vico-server","job":"jobs/1c9e…"
  std::string fields_;
};

}  // namespace vico
