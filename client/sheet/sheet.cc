#include "client/sheet/sheet.h"

#include <algorithm>
#include <sstream>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "client/sheet/ascii.h"

namespace vico::client {
namespace {

constexpr int kMargin = 16;
constexpr int kGap = 6;
constexpr int kGroupGap = 24;
constexpr int kLine = 20;  // height of a line of text
constexpr int kBaseline = 14;
constexpr int kSpace = 8;        // above a row's label
constexpr int kNarrowest = 240;  // content, so that a label has room
constexpr std::size_t kMostLines = 4;
constexpr double kScale = 0.45;
const cv::Scalar kText(62, 64, 70);
const cv::Scalar kFaint(105, 109, 117);

int WidthOf(const std::string& text) {
  int baseline = 0;
  return cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, kScale, 1, &baseline).width;
}

/// Shortens the text so that it fits with `end` behind it.
std::string Fitting(std::string text, int width, const std::string& end) {
  while (!text.empty() && WidthOf(text + end) > width) text.pop_back();
  return text + end;
}

std::string OneLine(const std::string& text, int width) {
  const std::string ascii = ToAscii(text).text;
  return WidthOf(ascii) <= width ? ascii : Fitting(ascii, width, "...");
}

std::vector<std::string> Wrapped(const std::string& text, int width) {
  std::vector<std::string> lines;
  std::string line;
  std::istringstream words(ToAscii(text).text);
  for (std::string word; words >> word;) {
    const std::string longer = line.empty() ? word : std::string(line).append(" ").append(word);
    if (!line.empty() && WidthOf(longer) > width) {
      lines.push_back(line);
      line = word;
    } else {
      line = longer;
    }
  }
  if (!line.empty()) lines.push_back(line);
  const bool cut = lines.size() > kMostLines;
  if (cut) lines.resize(kMostLines);
  for (std::string& one : lines) {
    const bool last_of_cut = cut && &one == &lines.back();
    if (last_of_cut || WidthOf(one) > width) one = Fitting(one, width, "...");
  }
  return lines;
}

/// The picture with a longer side of at most `side`.
cv::Mat Tile(const Pixels& picture, int side) {
  // OpenCV only reads what a const Mat refers to.
  const cv::Mat whole(picture.height, picture.width, CV_8UC3,
                      const_cast<std::uint8_t*>(picture.rgb.data()));
  const int longer = std::max(whole.cols, whole.rows);
  cv::Mat tile;
  if (longer <= side) {
    const int factor = side / longer;
    cv::resize(whole, tile, whole.size() * factor, 0, 0, cv::INTER_NEAREST);
  } else {
    const cv::Size size(std::max(1, whole.cols * side / longer),
                        std::max(1, whole.rows * side / longer));
    cv::resize(whole, tile, size, 0, 0, cv::INTER_AREA);
  }
  return tile;
}

/// The left edges of the columns, and the width of all.
struct Layout {
  std::vector<int> left;
  std::vector<std::vector<std::string>> labels;  // of the rows, in lines
  int content = 0;
  int height = 0;
  bool has_group_headings = false;
};

Layout LayOut(const Sheet& sheet, int tile) {
  Layout layout;
  int x = 0;
  for (const SheetGroup& group : sheet.groups) {
    if (x > 0) x += kGroupGap - kGap;
    layout.has_group_headings = layout.has_group_headings || !group.heading.empty();
    for (std::size_t i = 0; i < group.columns.size(); ++i) {
      layout.left.push_back(x);
      x += tile + kGap;
    }
  }
  layout.content = std::max(x - kGap, kNarrowest);
  layout.height = 2 * kMargin + kLine * (layout.has_group_headings ? 3 : 2);
  for (const SheetRow& row : sheet.rows) {
    layout.labels.push_back(Wrapped(row.label, layout.content));
    layout.height += kSpace + kLine * static_cast<int>(layout.labels.back().size()) + tile;
  }
  return layout;
}

void Write(cv::Mat& picture, const std::string& text, int x, int y, const cv::Scalar& colour) {
  cv::putText(picture, text, {kMargin + x, y + kBaseline}, cv::FONT_HERSHEY_SIMPLEX, kScale, colour,
              1, cv::LINE_AA);
}

/// Title and headings; returns where the rows begin.
int WriteHead(const Sheet& sheet, const Layout& layout, int tile, cv::Mat& picture) {
  int y = kMargin;
  Write(picture, OneLine(sheet.title, layout.content), 0, y, kText);
  y += kLine;
  std::size_t column = 0;
  const int heading_y = y;
  if (layout.has_group_headings) y += kLine;
  for (const SheetGroup& group : sheet.groups) {
    const int left = layout.left[column];
    const int width = static_cast<int>(group.columns.size()) * (tile + kGap) - kGap;
    if (!group.heading.empty()) {
      Write(picture, OneLine(group.heading, width), left, heading_y, kText);
    }
    for (const std::string& heading : group.columns) {
      Write(picture, OneLine(heading, tile), layout.left[column], y, kFaint);
      ++column;
    }
  }
  return y + kLine;
}

}  // namespace

Pixels DrawSheet(const Sheet& sheet, int tile) {
  const Layout layout = LayOut(sheet, tile);
  Pixels pixels;
  pixels.width = layout.content + 2 * kMargin;
  pixels.height = layout.height;
  pixels.rgb.assign(std::size_t{3} * static_cast<std::size_t>(pixels.width) *
                        static_cast<std::size_t>(pixels.height),
                    255);
  cv::Mat picture(pixels.height, pixels.width, CV_8UC3, pixels.rgb.data());
  int y = WriteHead(sheet, layout, tile, picture);
  for (std::size_t i = 0; i < sheet.rows.size(); ++i) {
    y += kSpace;
    for (const std::string& line : layout.labels[i]) {
      Write(picture, line, 0, y, kText);
      y += kLine;
    }
    const auto& pictures = sheet.rows[i].pictures;
    for (std::size_t column = 0; column < pictures.size(); ++column) {
      if (!pictures[column]) continue;
      const cv::Mat small = Tile(*pictures[column], tile);
      const cv::Rect place(kMargin + layout.left[column] + (tile - small.cols) / 2,
                           y + (tile - small.rows) / 2, small.cols, small.rows);
      small.copyTo(picture(place));
    }
    y += tile;
  }
  return pixels;
}

bool HasAllCharacters(const Sheet& sheet) {
  const auto complete = [](const std::string& text) { return ToAscii(text).complete; };
  return complete(sheet.title) &&
         std::all_of(sheet.groups.begin(), sheet.groups.end(),
                     [&](const SheetGroup& group) { return complete(group.heading); }) &&
         std::all_of(sheet.rows.begin(), sheet.rows.end(),
                     [&](const SheetRow& row) { return complete(row.label); });
}

}  // namespace vico::client
