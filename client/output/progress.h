// Shows progress: a bar that is redrawn in place on a terminal, a few plain lines elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "client/lib/client.h"

namespace vico::client {

struct Progress {
  std::string label;  ///< the activity, one word
  std::int64_t step = 0;
  std::int64_t total = 0;  ///< 0: unknown
  std::string unit;        ///< of step and total; empty for steps
  std::optional<double> loss;
  std::optional<double> seconds_per_step;
  std::optional<double> eta_seconds;
};

/// "0:07", "12:34", "1:02:03"; rounded up to whole seconds.
std::string FormatDuration(double seconds);

/// "train  [#######-----]  200/400  loss 0.1234  0.11 s/step  ETA 0:22", at most `columns` wide.
/// The bar takes the remaining width; figures that do not fit are left out from the right.
std::string FormatBar(const Progress& progress, int columns);

/// The same with a percentage instead of the bar.
std::string FormatPlain(const Progress& progress);

/// The width of the terminal; nullopt if the file descriptor is not a terminal.
std::optional<int> TerminalColumns(int file_descriptor);

/// Draws progress on a stream.
class ProgressDisplay {
 public:
  /// `columns` is called before each drawing, since a window may be resized; nullopt: no terminal.
  /// `out` must outlive the display.
  ProgressDisplay(std::ostream& out, std::function<std::optional<int>()> columns);
  ~ProgressDisplay();

  void Update(const Progress& progress);
  /// A callback that shows the progress of a transfer in KiB, on terminals only. Valid while the
  /// display lives.
  TransferProgress ForTransfer(const std::string& label);
  /// Prints a line above the bar.
  void Note(const std::string& line);
  /// Calls `print`, which writes whole lines to this stream or another one of the same terminal,
  /// and redraws the bar below them.
  void Above(const std::function<void()>& print);
  /// Ends the line of the bar.
  void Close();

 private:
  std::ostream& out_;
  std::function<std::optional<int>()> columns_;
  std::string bar_;                   ///< as drawn; empty: there is none
  std::int64_t last_twentieth_ = -1;  ///< of the last plain line: 0..20
  std::string last_label_;
};

}  // namespace vico::client
