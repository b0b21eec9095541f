// Pictures as text for a terminal: control sequences of Kitty, iTerm2 or sixels where the terminal
// has them, else coloured characters.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/pixels/pixels.h"

namespace vico::client {

struct TerminalSize {
  int columns = 80;
  int rows = 24;
  int width_pixels = 0;  ///< of the window; 0: the terminal does not say
  int height_pixels = 0;
};

class Canvas {
 public:
  /// `environment` has entries as "TERM=xterm-256color"; what the terminal can do is told from it.
  explicit Canvas(const std::vector<std::string>& environment);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  /// The picture, as large as fits into `size.columns` - 1 columns and `most_rows` rows. Ends with
  /// a line feed.
  std::string Draw(const Pixels& picture, const TerminalSize& size, int most_rows) const;

 private:
  struct Terminal;
  std::unique_ptr<Terminal> terminal_;
};

}  // namespace vico::client
