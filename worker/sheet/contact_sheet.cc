#include "worker/sheet/contact_sheet.h"

#include <algorithm>

#include <opencv2/imgproc.hpp>

namespace vico::worker {
namespace {

constexpr int kMargin = 18;
const cv::Scalar kText(62, 64, 70), kFaint(120, 124, 132);

int TextWidth(const std::string& text, double scale, int thickness) {
  int baseline = 0;
  return cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, scale, thickness, &baseline).width;
}

// Shortens the text with dots so that it fits.
std::string Fitting(std::string text, double scale, int width) {
  if (TextWidth(text, scale, 1) <= width) return text;
  while (!text.empty() && TextWidth(text + "...", scale, 1) > width) text.pop_back();
  return text + "...";
}

void Write(cv::Mat& sheet, const std::string& text, cv::Point at, double scale,
           const cv::Scalar& colour) {
  cv::putText(sheet, text, at, cv::FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv::LINE_AA);
}

cv::Mat Tile(const cv::Mat& picture, int side) {
  cv::Mat rgb = picture;
  if (picture.channels() == 1) cv::cvtColor(picture, rgb, cv::COLOR_GRAY2RGB);
  const int longer = std::max(rgb.cols, rgb.rows);
  const int width = std::max(1, rgb.cols * side / longer);
  const int height = std::max(1, rgb.rows * side / longer);
  const int method = longer > side ? cv::INTER_AREA : cv::INTER_CUBIC;
  cv::Mat scaled;
  cv::resize(rgb, scaled, {width, height}, 0, 0, method);
  return scaled;
}

}  // namespace

cv::Mat ContactSheet(const std::vector<SheetRow>& rows, const SheetOptions& options) {
  size_t columns = options.columns.size();
  for (const SheetRow& row : rows) columns = std::max(columns, row.pictures.size());
  const int pitch = options.tile + options.gap;
  const int extra = options.split_after > 0 ? 3 * options.gap : 0;
  const int content = std::max(1, static_cast<int>(columns)) * pitch - options.gap + extra;
  constexpr int kTitle = 34, kHeading = 22, kLabel = 24;
  int height =
      kMargin + (options.title.empty() ? 0 : kTitle) + (options.columns.empty() ? 0 : kHeading);
  for (const SheetRow& row : rows) height += (row.label.empty() ? 0 : kLabel) + pitch;
  height += kMargin - options.gap;
  cv::Mat sheet(height, content + 2 * kMargin, CV_8UC3, cv::Scalar::all(255));

  const auto left = [&](size_t column) {
    const bool beyond = options.split_after > 0 && static_cast<int>(column) >= options.split_after;
    return kMargin + static_cast<int>(column) * pitch + (beyond ? extra : 0);
  };
  int y = kMargin;
  if (!options.title.empty()) {
    Write(sheet, Fitting(options.title, 0.62, content), {kMargin, y + 16}, 0.62, kText);
    y += kTitle;
  }
  if (!options.columns.empty()) {
    for (size_t i = 0; i < options.columns.size(); ++i) {
      size_t end = i + 1;  // the columns under this heading
      while (end < columns && (end >= options.columns.size() || options.columns[end].empty())) {
        ++end;
      }
      const int width = left(end - 1) + options.tile - left(i);
      Write(sheet, Fitting(options.columns[i], 0.42, width), {left(i), y + 12}, 0.42, kFaint);
    }
    y += kHeading;
  }
  for (const SheetRow& row : rows) {
    if (!row.label.empty()) {
      Write(sheet, Fitting(row.label, 0.45, content), {kMargin, y + 15}, 0.45, kText);
      y += kLabel;
    }
    for (size_t i = 0; i < row.pictures.size(); ++i) {
      if (row.pictures[i].empty()) continue;
      const cv::Mat tile = Tile(row.pictures[i], options.tile);
      const cv::Rect place(left(i) + (options.tile - tile.cols) / 2,
                           y + (options.tile - tile.rows) / 2, tile.cols, tile.rows);
      tile.copyTo(sheet(place));
    }
    y += pitch;
  }
  return sheet;
}

cv::Mat ContactSheet(const std::vector<cv::Mat>& pictures, int columns,
                     const SheetOptions& options) {
  std::vector<SheetRow> rows;
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (i % columns == 0) rows.emplace_back();
    rows.back().pictures.push_back(pictures[i]);
  }
  return ContactSheet(rows, options);
}

}  // namespace vico::worker
