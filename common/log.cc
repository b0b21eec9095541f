#include "common/log.h"

#include <chrono>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "common/status.h"

namespace vico {
namespace {

// Invalid UTF-8 is replaced, so that every line is valid JSON.
std::string Json(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void AppendField(std::string& line, std::string_view key, const nlohmann::json& value) {
  fmt::format_to(std::back_inserter(line), "{}{}:{}", line.empty() ? "" : ",",
                 Json(std::string(key)), Json(value));
}

void AppendFields(std::string& line, std::initializer_list<LogField> fields) {
  for (const LogField& field : fields) {
    std::visit([&](const auto& value) { AppendField(line, field.key, value); }, field.value);
  }
}

std::string NowText() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000);
}

std::string_view LevelName(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::warn:
      return "warning";
    case spdlog::level::err:
      return "error";
    default:
      return "info";
  }
}

std::shared_ptr<spdlog::logger> MakeLogger(std::shared_ptr<spdlog::sinks::sink> sink,
                                           spdlog::level::level_enum level) {
  auto logger = std::make_shared<spdlog::logger>("vico", std::move(sink));
  logger->set_pattern("%v");
  logger->set_level(level);
  logger->flush_on(spdlog::level::debug);
  return logger;
}

}  // namespace

Log::Log(std::shared_ptr<spdlog::logger> logger, std::string fields)
    : logger_(std::move(logger)), fields_(std::move(fields)) {}

absl::StatusOr<Log> Log::ToStderr(std::string_view program, std::string_view level) {
  for (const auto& [name, value] : {std::pair{"debug", spdlog::level::debug},
                                    {"info", spdlog::level::info},
                                    {"warning", spdlog::level::warn},
                                    {"error", spdlog::level::err},
                                    {"off", spdlog::level::off}}) {
    if (level != name) continue;
    auto logger = MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), value);
    return Log(std::move(logger), "").With({{"program", program}});
  }
  return FieldError("log_level",
                    fmt::format("must be debug, info, warning, error or off, got \"{}\"", level));
}

Log Log::ToSink(std::string_view program, std::shared_ptr<spdlog::sinks::sink> sink) {
  return Log(MakeLogger(std::move(sink), spdlog::level::debug), "").With({{"program", program}});
}

Log Log::Off() {
  return Log(MakeLogger(std::make_shared<spdlog::sinks::null_sink_mt>(), spdlog::level::off), "");
}

Log Log::With(std::initializer_list<LogField> fields) const {
  std::string all = fields_;
  AppendFields(all, fields);
  return Log(logger_, std::move(all));
}

void Log::Write(int level, std::string_view message, std::initializer_list<LogField> fields) const {
  const auto severity = static_cast<spdlog::level::level_enum>(level);
  if (!logger_->should_log(severity)) return;
  std::string line;
  AppendField(line, "time", NowText());
  AppendField(line, "level", std::string(LevelName(severity)));
  AppendField(line, "message", std::string(message));
  if (!fields_.empty()) line += "," + fields_;
  AppendFields(line, fields);
  logger_->log(severity, fmt::format("{{{}}}", line));
}

bool Log::WritesDebug() const { return logger_->should_log(spdlog::level::debug); }

void Log::Debug(std::string_view message, std::initializer_list<LogField> fields) const {
  Write(spdlog::level::debug, message, fields);
}
void Log::Info(std::string_view message, std::initializer_list<LogField> fields) const {
  Write(spdlog::level::info, message, fields);
}
void Log::Warning(std::string_view message, std::initializer_list<LogField> fields) const {
  Write(spdlog::level::warn, message, fields);
}
void Log::Error(std::string_view message, std::initializer_list<LogField> fields) const {
  Write(spdlog::level::err, message, fields);
}

}  // namespace vico
