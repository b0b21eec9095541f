// How a job gets on, as text: one line redrawn in place on a terminal, now and then a plain line
// anywhere else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

namespace vico::client {

struct Progress {
  std::string label;  ///< what is going on, one word
  std::int64_t step = 0;
  std::int64_t total = 0;  ///< 0: not known
  std::string unit;        ///< of both; empty for steps
  std::optional<double> loss;
  std::optional<double> seconds_per_step;
  std::optional<double> eta_seconds;
};

/// "0:07", "12:34", "1:02:03"; rounded up to whole seconds.
std::string FormatDuration(double seconds);

/// "train  [#######-----]  200/400  loss 0.1234  0.11 s/step  ETA 0:22": never wider than
/// `columns`, the bar taking what is left; what does not fit is left out from the right.
std::string FormatBar(const Progress& progress, int columns);

/// The same without the bar, and with the share in percent.
std::string FormatPlain(const Progress& progress);

/// Columns of the terminal behind the file descriptor; none when it is no terminal.
std::optional<int> TerminalColumns(int file_descriptor);

/// Draws a job's progress on a stream.
class ProgressDisplay {
 public:
  /// `columns` is asked before each drawing, as a window may be resized; none: no terminal.
  /// `out` outlives the display.
  ProgressDisplay(std::ostream& out, std::function<std::optional<int>()> columns);
  ~ProgressDisplay();

  void Update(const Progress& progress);
  /// A line of its own, above the bar.
  void Note(const std::string& line);
  /// Lets `print` write whole lines above the bar, to this stream or another of the same terminal.
  void Above(const std::function<void()>& print);
  /// Leaves the bar as it stands and goes to the next line.
  void Close();

 private:
  std::ostream& out_;
  std::function<std::optional<int>()> columns_;
  std::string bar_;                   ///< as drawn; empty: none on the screen
  std::int64_t last_twentieth_ = -1;  ///< of the last plain line: 0..20
  std::string last_label_;
};

}  // namespace vico::client
