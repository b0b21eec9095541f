// Draws a training's curves from its log.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <opencv2/core.hpp>

namespace vico::toyworld {

/// Points (step, value) by name, from what follows "step N" in a line, such as "loss 0.12" or
/// "held-out mse 0.11". If a resumed run has repeated a step, the last value counts.
using Curves = std::map<std::string, std::vector<std::pair<double, double>>>;
Curves ReadCurves(const std::string& log);

/// A panel for each curve, RGB on white. Empty without curves.
cv::Mat DrawCurves(const Curves& curves, const std::string& title);

/// Draws <stem>.log into <stem>_curves.png, unless the log has no curves. kUnavailable if the file
/// cannot be written.
absl::Status PlotLog(const std::string& stem);

}  // namespace vico::toyworld
