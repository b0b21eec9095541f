#include "toyworld/charts/curves.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "toyworld/charts/contact_sheet.h"

namespace vico::toyworld {
namespace {

constexpr int kWidth = 640, kHeight = 200, kLeft = 70, kRight = 20, kTop = 34, kBottom = 26;
const cv::Scalar kAxis(62, 64, 70), kGrid(205, 207, 212), kLine(50, 95, 215);

void Write(cv::Mat& panel, const std::string& text, cv::Point at) {
  cv::putText(panel, text, at, cv::FONT_HERSHEY_SIMPLEX, 0.42, kAxis, 1, cv::LINE_AA);
}

cv::Mat DrawPanel(const std::string& name, const std::vector<std::pair<double, double>>& points) {
  cv::Mat panel(kHeight, kWidth, CV_8UC3, cv::Scalar::all(255));
  double low = points.front().second, high = low;
  for (const auto& [step, value] : points) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const double first = points.front().first, last = points.back().first;
  const auto x = [&](double step) {
    return kLeft + (kWidth - kLeft - kRight) * (last > first ? (step - first) / (last - first) : 0);
  };
  const auto y = [&](double value) {
    return kTop + (kHeight - kTop - kBottom) * (high > low ? (high - value) / (high - low) : 0.5);
  };
  cv::rectangle(panel, {kLeft, kTop}, {kWidth - kRight, kHeight - kBottom}, kGrid);
  Write(panel, fmt::format("{}: {:.4g} at step {:.0f}", name, points.back().second, last),
        {kLeft, kTop - 10});
  Write(panel, fmt::format("{:.4g}", high), {6, kTop + 10});
  Write(panel, fmt::format("{:.4g}", low), {6, kHeight - kBottom});
  Write(panel, fmt::format("{:.0f}", first), {kLeft, kHeight - 8});
  Write(panel, fmt::format("{:.0f}", last), {kWidth - kRight - 46, kHeight - 8});
  std::vector<cv::Point> line;
  line.reserve(points.size());
  for (const auto& [step, value] : points) line.emplace_back(cvRound(x(step)), cvRound(y(value)));
  cv::polylines(panel, line, /*isClosed=*/false, kLine, 1, cv::LINE_AA);
  return panel;
}

}  // namespace

Curves ReadCurves(const std::string& log) {
  static const std::regex kStep("step (\\d+) (.*)");
  static const std::regex kFigure("(held-out PSNR|held-out mse|loss) (-?[0-9.]+(?:e[-+]?\\d+)?)");
  std::map<std::string, std::map<double, double>> found;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    std::smatch step;
    if (!std::regex_search(line, step, kStep)) continue;
    const std::string rest = step[2];
    for (std::sregex_iterator i(rest.begin(), rest.end(), kFigure), end; i != end; ++i) {
      found[(*i)[1]][std::stod(step[1])] = std::stod((*i)[2]);
    }
  }
  Curves curves;
  for (const auto& [name, points] : found) curves[name] = {points.begin(), points.end()};
  return curves;
}

cv::Mat DrawCurves(const Curves& curves, const std::string& title) {
  cv::Mat picture;
  for (const auto& [name, points] : curves) {
    picture.push_back(DrawPanel(fmt::format("{} {}", title, name), points));
  }
  return picture;
}

absl::Status PlotLog(const std::string& stem) {
  std::ifstream file(stem + ".log");
  const std::string log{std::istreambuf_iterator<char>(file), {}};
  const Curves curves = ReadCurves(log);
  if (curves.empty()) return absl::OkStatus();
  const size_t slash = stem.find_last_of('/');
  const std::string title = slash == std::string::npos ? stem : stem.substr(slash + 1);
  return WritePicture(stem + "_curves.png", DrawCurves(curves, title));
}

}  // namespace vico::toyworld
