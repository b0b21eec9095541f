#include "server/checks/adapter_report.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/status.h"
#include "server/checks/evaluate_spec.h"
#include "server/checks/request.h"
#include "server/checks/words.h"

namespace vico::server {
namespace {

constexpr int kMaxFigures = 32;
constexpr int kMaxLosses = 100;
constexpr size_t kMaxFigureName = 63;     // characters
constexpr size_t kMaxMeasuredWith = 255;  // characters

std::string ReportField(std::string_view name) { return fmt::format("evaluated.report.{}", name); }

/// lower_snake_case that begins with a letter.
absl::Status CheckFigureName(const std::string& field, std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (!name.empty() && name.size() <= kMaxFigureName && name[0] >= 'a' && name[0] <= 'z' &&
      std::ranges::all_of(name, allowed)) {
    return absl::OkStatus();
  }
  return WrongCharacters(field, name, 1, kMaxFigureName, "[a-z0-9_], the first a letter");
}

absl::Status CheckFinite(const std::string& field, double value) {
  if (std::isfinite(value)) return absl::OkStatus();
  return FieldError(field, fmt::format("must be a finite number, got {}", value));
}

template <typename Numbers>
absl::Status CheckAllFinite(const std::string& field, const Numbers& numbers) {
  for (int i = 0; i < numbers.size(); ++i) {
    RETURN_IF_ERROR(CheckFinite(fmt::format("{}[{}]", field, i), numbers.Get(i)));
  }
  return absl::OkStatus();
}

/// Name and network of a figure.
using FigureKey = std::pair<std::string, std::string>;

void AddFigure(const v1::AdapterReport& report, int index, std::set<FigureKey>& keys,
               FieldErrors& errors) {
  const v1::AdapterReport::Figure& figure = report.figures(index);
  const std::string field = ReportField(fmt::format("figures[{}]", index));
  errors.Add(CheckFigureName(field + ".name", figure.name()));
  if (!keys.emplace(figure.name(), figure.measured_with()).second) {
    errors.Add(field + ".name", "is there twice for one network");
  }
  errors.Add(CheckName(field + ".measured_with", figure.measured_with(), kMaxMeasuredWith));
  errors.Add(CheckFinite(field + ".before", figure.before()));
  errors.Add(CheckFinite(field + ".after", figure.after()));
  const std::string by_prompt = field + ".after_by_prompt";
  if (!figure.after_by_prompt().empty() && figure.after_by_prompt_size() != report.prompts_size()) {
    errors.Add(by_prompt, fmt::format("must be none or one for each prompt ({}), got {}",
                                      report.prompts_size(), figure.after_by_prompt_size()));
  }
  for (int i = 0; i < figure.after_by_prompt_size(); ++i) {
    const double value = figure.after_by_prompt(i);
    if (!std::isnan(value)) errors.Add(CheckFinite(fmt::format("{}[{}]", by_prompt, i), value));
  }
}

absl::Status CheckCount(std::string_view name, double most, int count) {
  const std::string field = ReportField(name);
  return CheckBounds({field, 0, most}, count);
}

/// What bounds the work of the other checks.
absl::Status CheckCounts(const v1::AdapterReport& report) {
  FieldErrors errors;
  errors.Add(CheckCount("figures", kMaxFigures, report.figures_size()));
  errors.Add(CheckCount("prompts", kEvaluatePrompts.max, report.prompts_size()));
  errors.Add(CheckCount("seeds", kEvaluatePictureCount.max, report.seeds_size()));
  errors.Add(CheckCount("losses", kMaxLosses, report.losses_size()));
  return errors.status();
}

}  // namespace

absl::Status CheckReportOf(const v1::AdapterReport& report) {
  RETURN_IF_ERROR(CheckCounts(report));
  FieldErrors errors;
  std::set<FigureKey> keys;
  for (int i = 0; i < report.figures_size(); ++i) AddFigure(report, i, keys, errors);
  for (int i = 0; i < report.prompts_size(); ++i) {
    errors.Add(CheckPrompt(ReportField(fmt::format("prompts[{}]", i)), report.prompts(i), true));
  }
  const std::string coverage = ReportField("mask_coverage");
  const std::string stability = ReportField("mask_stability");
  errors.Add(CheckBounds({coverage, 0, 1}, report.mask_coverage()));
  errors.Add(CheckBounds({stability, 0, 1}, report.mask_stability()));
  errors.Add(CheckAllFinite(ReportField("losses"), report.losses()));
  errors.Add(CheckBlobRef(ReportField("sheet"), report.sheet(), kResultBytes));
  return errors.status();
}

}  // namespace vico::server
