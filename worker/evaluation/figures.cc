#include "worker/evaluation/figures.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace vico::worker {
namespace {

/// The mean of what is there.
class Mean {
 public:
  void Add(const std::optional<double>& value) {
    sum_ += value.value_or(0);
    count_ += value ? 1 : 0;
  }
  bool empty() const { return count_ == 0; }
  double value() const {
    return empty() ? std::numeric_limits<double>::quiet_NaN() : sum_ / count_;
  }

 private:
  double sum_ = 0;
  int count_ = 0;
};

bool Has(const v1::AdapterReport& report, const std::string& name) {
  return std::any_of(
      report.figures().begin(), report.figures().end(),
      [&](const v1::AdapterReport::Figure& figure) { return figure.name() == name; });
}

}  // namespace

void AddFigures(const std::vector<PictureFigure>& measured, const std::string& measured_with,
                const PictureOrder& order, v1::AdapterReport& report) {
  for (const PictureFigure& of_pictures : measured) {
    if (Has(report, of_pictures.name)) continue;  // measured with a better network
    v1::AdapterReport::Figure figure;
    Mean before, after;
    for (int prompt = 0; prompt < order.prompts; ++prompt) {
      Mean of_prompt;
      for (int picture = 0; picture < order.pictures_of_prompt; ++picture) {
        const auto value = [&](int index) {
          return of_pictures.values.at(static_cast<size_t>(index));
        };
        before.Add(value(order.before(prompt, picture)));
        after.Add(value(order.after(prompt, picture)));
        of_prompt.Add(value(order.after(prompt, picture)));
      }
      figure.add_after_by_prompt(of_prompt.value());
    }
    if (before.empty() || after.empty()) continue;
    figure.set_name(of_pictures.name);
    figure.set_measured_with(measured_with);
    figure.set_before(before.value());
    figure.set_after(after.value());
    *report.add_figures() = std::move(figure);
  }
}

}  // namespace vico::worker
