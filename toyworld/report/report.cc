#include "toyworld/report/report.h"

#include <algorithm>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "toyworld/charts/contact_sheet.h"

namespace vico::toyworld {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const BeforeAfter& figure) {
  const auto number = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json();
  };
  return {{"before", number(figure.before)}, {"after", number(figure.after)}};
}

// The picture, unchanged inside the mask, pale and grey outside.
cv::Mat Overlay(const cv::Mat& picture, const cv::Mat& mask) {
  if (mask.empty()) return {};
  cv::Mat fitted, grey;
  cv::resize(mask, fitted, picture.size(), 0, 0, cv::INTER_LINEAR);
  cv::cvtColor(picture, grey, cv::COLOR_RGB2GRAY);
  cv::Mat overlay(picture.size(), CV_8UC3);
  for (int y = 0; y < picture.rows; ++y) {
    for (int x = 0; x < picture.cols; ++x) {
      const double inside = fitted.at<uint8_t>(y, x) / 255.0;
      const double outside = (1 - inside) * (0.3 * grey.at<uint8_t>(y, x) + 0.7 * 236);
      const auto& colour = picture.at<cv::Vec3b>(y, x);
      auto& pixel = overlay.at<cv::Vec3b>(y, x);
      for (int c = 0; c < 3; ++c)
        pixel[c] = cv::saturate_cast<uint8_t>(inside * colour[c] + outside);
    }
  }
  return overlay;
}

// The pictures by prompt, in order of the prompts' first picture.
std::vector<SheetRow> ByPrompt(const std::vector<GeneratedPicture>& pictures) {
  std::vector<SheetRow> rows;
  for (const GeneratedPicture& picture : pictures) {
    auto row = std::find_if(rows.begin(), rows.end(),
                            [&](const SheetRow& r) { return r.label == picture.prompt; });
    if (row == rows.end()) row = rows.insert(rows.end(), SheetRow{picture.prompt, {}});
    row->pictures.push_back(picture.picture);
  }
  return rows;
}

cv::Mat Stack(const cv::Mat& upper, const cv::Mat& lower) {
  const int width = std::max(upper.cols, lower.cols);
  cv::Mat sheet(upper.rows + lower.rows, width, CV_8UC3, cv::Scalar::all(255));
  upper.copyTo(sheet(cv::Rect(0, 0, upper.cols, upper.rows)));
  lower.copyTo(sheet(cv::Rect(0, upper.rows, lower.cols, lower.rows)));
  return sheet;
}

}  // namespace

Json MakeReport(const ReportInput& input, const Fidelity& fidelity) {
  Json report;
  for (const std::string& member : RunMembers()) {
    if (member == "generate_seconds_per_picture") {  // after the figures of quality
      report["concept_fidelity"] = ToJson(fidelity.of_concept);
      report["prompt_fidelity"] = ToJson(fidelity.of_prompt);
    }
    report[member] = input.run.at(member);
  }
  report["pictures"] = Json::array();
  for (const auto* pictures : {&input.before, &input.after}) {
    for (const GeneratedPicture& picture : *pictures) {
      report["pictures"].push_back({{"file", picture.file},
                                    {"prompt", picture.prompt},
                                    {"seed", picture.seed},
                                    {"sha256", picture.sha256}});
    }
  }
  return report;
}

cv::Mat MakeReportSheet(const ReportInput& input) {
  SheetRow shown{"the concept's pictures", input.concept_pictures};
  SheetRow masks{"what the adapter looks at: the learned masks", {}};
  bool any_mask = false;
  for (size_t i = 0; i < input.concept_pictures.size(); ++i) {
    const cv::Mat mask = i < input.masks.size() ? input.masks[i] : cv::Mat();
    masks.pictures.push_back(Overlay(input.concept_pictures[i], mask));
    any_mask = any_mask || !mask.empty();
  }
  std::vector<SheetRow> upper = {shown};
  if (any_mask) upper.push_back(masks);
  SheetOptions top;
  top.title = "Concept";

  std::vector<SheetRow> rows = ByPrompt(input.after);
  const std::vector<SheetRow> bare = ByPrompt(input.before);
  size_t bare_columns = 1;
  for (const SheetRow& row : bare) bare_columns = std::max(bare_columns, row.pictures.size());
  for (size_t i = 0; i < std::max(rows.size(), bare.size()); ++i) {
    if (i == rows.size()) rows.push_back({bare[i].label, {}});
    std::vector<cv::Mat> left = i < bare.size() ? bare[i].pictures : std::vector<cv::Mat>();
    left.resize(bare_columns);
    rows[i].pictures.insert(rows[i].pictures.begin(), left.begin(), left.end());
  }
  SheetOptions bottom;
  bottom.title = "Generated";
  bottom.columns.resize(bare_columns + 1);
  bottom.columns.front() = "bare base";
  bottom.columns.back() = "personalised";
  bottom.split_after = static_cast<int>(bare_columns);
  return Stack(ContactSheet(upper, top), ContactSheet(rows, bottom));
}

}  // namespace vico::toyworld
