// The demo's report: report.json and the contact sheet.
#pragma once

#include <optional>

#include <nlohmann/json_fwd.hpp>
#include <opencv2/core.hpp>

#include "toyworld/report/report_input.h"

namespace vico::toyworld {

struct BeforeAfter {
  std::optional<double> before, after;  ///< unset if there was nothing to measure
};

struct Fidelity {
  BeforeAfter of_concept;  ///< mean cosine to the concept's mean embedding
  BeforeAfter of_prompt;   ///< share of pictures that show the scene their prompt names
};

/// report.json with all documented members; figures that were not measured are null.
nlohmann::ordered_json MakeReport(const ReportInput& input, const Fidelity& fidelity);

/// The concept with its learned masks, then a row for each prompt: the bare base on the left, the
/// adapter on the right.
cv::Mat MakeReportSheet(const ReportInput& input);

}  // namespace vico::toyworld
