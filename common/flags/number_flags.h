// Options of CLI11 whose values are numbers, read by common/text/number.h. CLI11's own conversion
// takes octal and hexadecimal, wraps negative numbers and reads "" as 0.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/text/number.h"

namespace vico {

/// "--count" for "-n,--count".
inline std::string LongName(const std::string& flag) { return flag.substr(flag.rfind(',') + 1); }

/// "1..100" for the help; nothing for numbers with the bounds of their type.
template <typename Number>
std::string BoundsText(const NumberBounds<Number>& bounds) {
  const NumberBounds<Number> all;
  if (bounds.least == all.least || bounds.most == all.most) return "NUMBER";
  return fmt::format("{}..{}", bounds.least, bounds.most);
}

/// An option that passes its number to `set`.
template <typename Number>
CLI::Option* AddNumberOption(CLI::App& app, const std::string& flag, const std::string& help,
                             const NumberBounds<Number>& bounds, std::function<void(Number)> set) {
  return app
      .add_option_function<std::string>(
          flag,
          [name = LongName(flag), bounds, set = std::move(set)](const std::string& text) {
            const absl::StatusOr<Number> number = ParseNumber<Number>(name, text, bounds);
            if (!number.ok()) throw CLI::ValidationError(std::string(number.status().message()));
            set(*number);
          },
          help)
      ->type_name(BoundsText(bounds));
}

/// An option that writes its number to `value`, which must live until the flags are parsed. The
/// help shows the value that it has now as the default.
template <typename Number>
CLI::Option* AddNumber(CLI::App& app, const std::string& flag, Number& value,
                       const std::string& help, const NumberBounds<Number>& bounds = {}) {
  return AddNumberOption<Number>(app, flag, help, bounds,
                                 [&value](Number number) { value = number; })
      ->default_str(fmt::format("{}", value));
}

}  // namespace vico
