// A training's curves, drawn from its log.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <opencv2/core.hpp>

namespace vico::toyworld {

/// Points (step, value) by name: what follows "step N" in a line, as "loss 0.12" or "held-out mse
/// 0.11". A step seen twice (a run that was taken up) counts as it was last.
using Curves = std::map<std::string, std::vector<std::pair<double, double>>>;
Curves ReadCurves(const std::string& log);

/// One panel a curve, RGB on white. Empty for no curves.
cv::Mat DrawCurves(const Curves& curves, const std::string& title);

/// Draws <stem>.log into <stem>_curves.png; nothing for a log without curves. kUnavailable if it
/// cannot be written.
absl::Status PlotLog(const std::string& stem);

}  // namespace vico::toyworld
