#include "client/terminal/canvas.h"

#include <algorithm>
#include <regex>
#include <sstream>

#include <gmock/gmock.h>

#include "common/text/utf8.h"

namespace vico::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Pixels Red(int width, int height) {
  Pixels pixels;
  pixels.width = width;
  pixels.height = height;
  for (int i = 0; i < width * height; ++i) pixels.rgb.insert(pixels.rgb.end(), {255, 0, 0});
  return pixels;
}

/// The lines without control sequences.
std::vector<std::string> Lines(const std::string& drawn) {
  std::vector<std::string> lines;
  std::istringstream rest(std::regex_replace(drawn, std::regex("\x1b\\[[0-9;]*m"), ""));
  for (std::string line; std::getline(rest, line);) lines.push_back(line);
  return lines;
}

TEST(CanvasTest, CharactersFillTheWidthOfTheTerminal) {
  const Canvas canvas({"TERM=xterm-256color"});
  const std::vector<std::string> lines = Lines(canvas.Draw(Red(64, 64), {61, 24}, 100));
  EXPECT_EQ(lines.size(), 30U);  // a cell is twice as high as wide
  for (const std::string& line : lines) EXPECT_EQ(ColumnsOf(line), 60U);
}

TEST(CanvasTest, APictureHasAtMostTheRows) {
  const Canvas canvas({"TERM=xterm-256color"});
  for (const int height : {64, 640}) {
    const std::vector<std::string> lines = Lines(canvas.Draw(Red(64, height), {80, 24}, 20));
    EXPECT_EQ(lines.size(), 20U);
    EXPECT_EQ(ColumnsOf(lines[0]), 64U == static_cast<unsigned>(height) ? 40U : 4U);
  }
}

TEST(CanvasTest, TheSizeOfCellsComesFromTheWindow) {
  const Canvas canvas({"TERM=xterm-256color"});
  const TerminalSize square{.columns = 40, .rows = 20, .width_pixels = 400, .height_pixels = 200};
  EXPECT_EQ(Lines(canvas.Draw(Red(64, 64), square, 100)).size(), 39U);
}

TEST(CanvasTest, ColoursAreThoseOfTheTerminal) {
  EXPECT_THAT(Canvas({"TERM=xterm", "COLORTERM=truecolor"}).Draw(Red(8, 8), {}, 20),
              HasSubstr("48;2;25"));
  EXPECT_THAT(Canvas({"TERM=xterm"}).Draw(Red(8, 8), {}, 20),
              testing::AllOf(HasSubstr("48;5;196"), Not(HasSubstr("48;2;"))));
}

TEST(CanvasTest, TheProtocolIsThatOfTheTerminal) {
  for (const auto& [entry, start] :
       {std::pair("TERM=xterm-kitty", "\x1b_G"), std::pair("TERM_PROGRAM=iTerm.app", "\x1b]1337;"),
        std::pair("TERM=foot", "\x1bP")}) {
    const std::string drawn = Canvas({entry}).Draw(Red(64, 64), {}, 20);
    EXPECT_THAT(drawn, StartsWith(start)) << entry;
    EXPECT_EQ(drawn.back(), '\n') << entry;
  }
}

}  // namespace
}  // namespace vico::client
