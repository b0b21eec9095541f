// The terminal that shows the pictures and curves of --show.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "client/terminal/canvas.h"
#include "client/terminal/curve.h"

namespace vico::client {

/// nullopt if the file descriptor is not a terminal.
std::optional<TerminalSize> SizeOfTerminal(int file_descriptor);

class TerminalPictures {
 public:
  /// `size` is called before each drawing, since a window may be resized. `out` must outlive the
  /// object.
  TerminalPictures(std::ostream& out, std::function<TerminalSize()> size,
                   const std::vector<std::string>& environment)
      : out_(out), size_(std::move(size)), canvas_(environment) {}

  /// Draws a picture that fits into the window. kInvalidArgument if it is no PNG.
  absl::Status Show(std::string_view png);
  /// Draws a picture as wide as the window; it may be higher.
  void ShowWide(const Pixels& picture);
  void ShowCurve(const std::string& name, const std::vector<CurvePoint>& points);

 private:
  std::ostream& out_;
  std::function<TerminalSize()> size_;
  Canvas canvas_;
};

}  // namespace vico::client
