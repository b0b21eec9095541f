// The protocol of bench/turns.py: a program reads the name of a row from each line of standard
// input, runs the row once, and prints a line of JSON with its seconds and its peak memory.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <c10/core/Device.h>

namespace vico::bench {

/// Tells the driver that the program has loaded.
void PrintReady();

class Turns {
 public:
  explicit Turns(const c10::Device& device) : device_(device) {}

  /// The row of the next turn, which Begin() starts; nullopt when the driver has closed the pipe.
  std::optional<std::string> Next();

  /// Waits for the next turn and starts it if it is one of `row`.
  bool Begin(const std::string& row);

  /// Ends the turn when the device has done its work. `fields` are further members of the JSON
  /// object: `"name": value, ...`.
  void End(const std::string& fields = "");

 private:
  double SecondsSinceBegin() const;

  const c10::Device device_;
  std::optional<std::string> next_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace vico::bench
