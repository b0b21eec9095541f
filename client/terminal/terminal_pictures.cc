#include "client/terminal/terminal_pictures.h"

#include <algorithm>

#include <sys/ioctl.h>
#include <unistd.h>

#include "common/status.h"

namespace vico::client {
namespace {

constexpr int kLinesBelow = 3;  // progress and prompt stay visible
constexpr int kFewestRows = 4;
constexpr int kAnyRows = 10'000;

}  // namespace

std::optional<TerminalSize> SizeOfTerminal(int file_descriptor) {
  if (isatty(file_descriptor) == 0) return std::nullopt;
  winsize size{};
  if (ioctl(file_descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return TerminalSize();
  }
  return TerminalSize{size.ws_col, size.ws_row, size.ws_xpixel, size.ws_ypixel};
}

absl::Status TerminalPictures::Show(std::string_view png) {
  ASSIGN_OR_RETURN(const Pixels picture, DecodePng(png));
  const TerminalSize size = size_();
  out_ << canvas_.Draw(picture, size, std::max(size.rows - kLinesBelow, kFewestRows)) << std::flush;
  return absl::OkStatus();
}

void TerminalPictures::ShowWide(const Pixels& picture) {
  out_ << canvas_.Draw(picture, size_(), kAnyRows) << std::flush;
}

void TerminalPictures::ShowCurve(const std::string& name, const std::vector<CurvePoint>& points) {
  out_ << CurveText(name, points, size_().columns - 1) << std::flush;
}

}  // namespace vico::client
