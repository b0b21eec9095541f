// Options of CLI11 that set a field of a message only if they are given.
#pragma once

#include <map>
#include <string>
#include <type_traits>

#include <CLI/CLI.hpp>

#include "common/flags/number_flags.h"
#include "common/flags/parse_flags.h"

namespace vico::client {

/// "paper|mmagic".
template <typename Value>
std::string ChoiceNames(const std::map<std::string, Value>& choices) {
  std::string names;
  for (const auto& [name, value] : choices) names += (names.empty() ? "" : "|") + name;
  return names;
}

/// An option that sets a field of a spec; without it the field stays unset. Only the server knows
/// the limits of a number.
template <typename Value, typename Set>
CLI::Option* AddField(CLI::App& app, const std::string& name, const std::string& help,
                      const Set& set) {
  if constexpr (std::is_arithmetic_v<Value>) {
    return AddNumberOption<Value>(app, name, help, {}, set);
  } else {
    return app.add_option_function<Value>(
        name, [set](const Value& value) { set(value); }, help);
  }
}

/// An option whose value is one of a few names.
template <typename Value, typename Set>
void AddChoice(CLI::App& app, const std::string& name, const std::string& help,
               const std::map<std::string, Value>& choices, const Set& set) {
  app.add_option_function<std::string>(
         name, [&choices, set](const std::string& text) { set(choices.at(text)); }, help)
      ->check(CLI::IsMember(choices))
      ->type_name(ChoiceNames(choices));
}

}  // namespace vico::client
