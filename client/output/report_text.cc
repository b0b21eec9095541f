#include "client/output/report_text.h"

#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "client/output/output.h"

namespace vico::client {
namespace {

using Rows = std::vector<std::vector<std::string>>;

/// A figure of one prompt may be NaN: it says nothing of its pictures.
std::string Number(double value) { return std::isnan(value) ? "-" : fmt::format("{:.3f}", value); }

std::string FiguresText(const v1::AdapterReport& report) {
  if (report.figures().empty()) return "no figures: the worker has no network to measure with\n";
  Rows rows = {{"FIGURE", "BEFORE", "AFTER", "MEASURED WITH"}};
  for (const v1::AdapterReport::Figure& figure : report.figures()) {
    rows.push_back(
        {figure.name(), Number(figure.before()), Number(figure.after()), figure.measured_with()});
  }
  return Table(rows);
}

/// Empty without figures of each prompt.
std::string PromptsText(const v1::AdapterReport& report) {
  Rows rows = {{"PROMPT"}};
  for (const std::string& prompt : report.prompts()) rows.push_back({prompt});
  for (const v1::AdapterReport::Figure& figure : report.figures()) {
    if (figure.after_by_prompt_size() != report.prompts_size()) continue;
    rows[0].push_back(figure.name());
    for (int i = 0; i < report.prompts_size(); ++i) {
      rows[static_cast<std::size_t>(i) + 1].push_back(Number(figure.after_by_prompt(i)));
    }
  }
  return rows[0].size() > 1 ? "\n" + Table(rows) : "";
}

}  // namespace

std::string ReportText(const v1::AdapterReport& report) {
  Rows rows = {{"adapter", report.adapter()},
               {"evaluated", TimeText(report.create_time()) + " UTC by " + report.job()},
               {"mask", fmt::format("{:.0f} % of the pictures; {:.0f} % alike over the timesteps",
                                    100 * report.mask_coverage(), 100 * report.mask_stability())}};
  if (!report.losses().empty()) {
    const auto& losses = report.losses();
    rows.push_back(
        {"loss", fmt::format("{:.4f}, from {:.4f}", losses.Get(losses.size() - 1), losses.Get(0))});
  }
  return Table(rows) + "\n" + FiguresText(report) + PromptsText(report);
}

}  // namespace vico::client
