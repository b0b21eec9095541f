#include "toyworld/evaluation/summary.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "common/status.h"
#include "toyworld/charts/contact_sheet.h"
#include "toyworld/evaluation/metrics.h"

namespace vico::toyworld {
namespace {

struct Column {
  const char* figure;
  const char* title;
  int decimals;
};
constexpr Column kColumns[] = {{"fidelity", "concept fidelity", 2},
                               {"prompt_fidelity", "prompt fidelity", 2},
                               {"scene", "scene", 2},
                               {"class", "class", 2},
                               {"colour 1", "colour 1", 2},
                               {"colour 2", "colour 2", 2},
                               {"pattern", "pattern", 2},
                               {"mask_iou_1", "mask IoU, site 1", 2},
                               {"mask_iou_2", "site 2", 2},
                               {"mask_iou_3", "site 3", 2},
                               {"mask_iou_4", "site 4", 2},
                               {"cosine", "cosine", 2},
                               {"train_seconds", "s a training", 0},
                               {"seconds_per_picture", "s a picture", 2}};

Json ToJson(const Interval& interval) {
  if (interval.count == 0) return nullptr;
  return {{"mean", interval.mean},
          {"low", interval.low},
          {"high", interval.high},
          {"concepts", interval.count}};
}

// Collects each figure of the records, without nulls.
Json Over(const std::vector<Json>& records) {
  Json figures;
  for (const Column& column : kColumns) {
    std::vector<double> values;
    for (const Json& record : records) {
      if (record.contains(column.figure) && record[column.figure].is_number()) {
        values.push_back(record[column.figure]);
      }
    }
    figures[column.figure] = ToJson(Bootstrap(values));
  }
  return figures;
}

const Json* Find(const ConceptRecords& shown, const std::string& variant) {
  for (const auto& [name, record] : shown.variants) {
    if (name == variant) return &record;
  }
  return nullptr;
}

std::vector<Json> RecordsOf(const std::vector<ConceptRecords>& all, const std::string& variant) {
  std::vector<Json> records;
  for (const ConceptRecords& shown : all) {
    if (const Json* record = Find(shown, variant)) records.push_back(*record);
  }
  return records;
}

Json GainOverDefault(const std::vector<ConceptRecords>& all, const std::string& variant) {
  std::vector<double> gains;
  for (const ConceptRecords& shown : all) {
    const Json* mine = Find(shown, variant);
    const Json* other = Find(shown, "default");
    if (mine == nullptr || other == nullptr) continue;
    const Json &a = mine->at("fidelity"), &b = other->at("fidelity");
    if (a.is_number() && b.is_number()) gains.push_back(a.get<double>() - b.get<double>());
  }
  return ToJson(Bootstrap(gains));
}

std::string Cell(const Json& figures, const Column& column) {
  if (!figures.contains(column.figure) || figures[column.figure].is_null()) return "-";
  const Json& figure = figures[column.figure];
  const double mean = figure["mean"], low = figure["low"], high = figure["high"];
  const int d = column.decimals;
  if (d == 0 || high - low < 1e-9) return fmt::format("{:.{}f}", mean, d);
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", mean, d, low, d, high, d);
}

cv::Mat Below(const cv::Mat& upper, const cv::Mat& lower) {
  cv::Mat sheet(upper.rows + lower.rows, std::max(upper.cols, lower.cols), CV_8UC3,
                cv::Scalar::all(255));
  upper.copyTo(sheet(cv::Rect(0, 0, upper.cols, upper.rows)));
  lower.copyTo(sheet(cv::Rect(0, upper.rows, lower.cols, lower.rows)));
  return sheet;
}

}  // namespace

Json Summarise(const std::vector<ConceptRecords>& all, const std::vector<VariantNote>& notes) {
  Json summary;
  std::vector<Json> bare, autoencoder;
  for (const ConceptRecords& shown : all) {
    bare.push_back(shown.frame["bare"]);
    bare.back()["fidelity"] = 0;
    bare.back()["seconds_per_picture"] = shown.frame["seconds_per_picture"];
    autoencoder.push_back(shown.frame["autoencoder"]);
  }
  summary["bare"] = Over(bare);
  summary["autoencoder"] = Over(autoencoder);
  for (const VariantNote& note : notes) {
    if (!note.lacking.empty()) {
      summary[note.name] = {{"lacking", note.lacking}};
      continue;
    }
    summary[note.name] = Over(RecordsOf(all, note.name));
    if (note.name != "default") {
      summary[note.name]["fidelity_gain"] = GainOverDefault(all, note.name);
    }
  }
  return summary;
}

std::vector<std::vector<std::string>> SummaryTable(const Json& summary,
                                                   const std::vector<VariantNote>& notes) {
  std::vector<std::string> heading = {"", "concepts"};
  for (const Column& column : kColumns) heading.emplace_back(column.title);
  std::vector<std::vector<std::string>> table = {heading};
  const auto line = [&](const std::string& title, const Json& figures) {
    std::vector<std::string> cells = {title};
    if (figures.contains("lacking")) {
      cells.resize(heading.size());
      cells[1] = "not known to this worker";
    } else {
      const Json& cosine = figures["cosine"];
      cells.push_back(cosine.is_null() ? "0" : fmt::format("{}", cosine["concepts"].get<int>()));
      for (const Column& column : kColumns) cells.push_back(Cell(figures, column));
    }
    table.push_back(cells);
  };
  line("bare base, class word", summary.at("bare"));
  line("truth through the autoencoder", summary.at("autoencoder"));
  for (const VariantNote& note : notes) line(note.title, summary.at(note.name));
  return table;
}

cv::Mat DrawTable(const std::vector<std::vector<std::string>>& table) {
  constexpr double kScale = 0.42;
  constexpr int kLine = 24, kMargin = 18, kGap = 18;
  std::vector<int> widths(table.front().size());
  for (const auto& line : table) {
    for (size_t i = 0; i < line.size(); ++i) {
      int baseline = 0;
      const cv::Size size =
          cv::getTextSize(line[i], cv::FONT_HERSHEY_SIMPLEX, kScale, 1, &baseline);
      widths[i] = std::max(widths[i], size.width);
    }
  }
  int width = 2 * kMargin;
  for (const int w : widths) width += w + kGap;
  const int height = 2 * kMargin + kLine * static_cast<int>(table.size());
  cv::Mat picture(height, width, CV_8UC3, cv::Scalar::all(255));
  int y = kMargin + 14;
  for (size_t row = 0; row < table.size(); ++row) {
    int x = kMargin;
    for (size_t i = 0; i < table[row].size(); ++i) {
      const cv::Scalar ink = row == 0 ? cv::Scalar(120, 124, 132) : cv::Scalar(62, 64, 70);
      cv::putText(picture, table[row][i], {x, y}, cv::FONT_HERSHEY_SIMPLEX, kScale, ink, 1,
                  cv::LINE_AA);
      x += widths[i] + kGap;
    }
    if (row == 0) cv::line(picture, {kMargin, y + 7}, {width - kMargin, y + 7}, {205, 207, 212});
    y += kLine;
  }
  return picture;
}

absl::StatusOr<cv::Mat> EvaluationSheet(const Session& session,
                                        const std::vector<ConceptRecords>& all,
                                        const std::vector<std::vector<std::string>>& table,
                                        int pictures_a_prompt) {
  constexpr int kShown = 3, kPromptsShown = 5, kTile = 96;
  SheetOptions options;
  options.title = "Held-out concepts: pictures, learned mask, bare base, personalised";
  options.tile = kTile;
  options.columns.resize(kShown + 1 + 2 * kPromptsShown);
  options.columns[0] = "concept";
  options.columns[kShown] = "mask";
  options.columns[kShown + 1] = "bare base";
  options.columns[kShown + 1 + kPromptsShown] = "personalised";
  options.split_after = kShown + 1;
  std::vector<SheetRow> rows;
  for (const ConceptRecords& shown : all) {
    const Json* trained = Find(shown, "default");
    if (trained == nullptr) continue;
    SheetRow row;
    const Json& fidelity = trained->at("fidelity");
    row.label =
        fmt::format("{}: concept fidelity {}, scenes {:.2f}", shown.shown.name,
                    fidelity.is_null() ? "none" : fmt::format("{:.2f}", fidelity.get<double>()),
                    trained->at("scene").get<double>());
    for (int i = 0; i < kShown; ++i) {
      row.pictures.push_back(shown.shown.pictures[static_cast<size_t>(i)].image);
    }
    row.pictures.emplace_back();
    if (trained->contains("mask_file")) {
      ASSIGN_OR_RETURN(
          const cv::Mat masks,
          ReadPicture(session.out + "/" + trained->at("mask_file").get<std::string>()));
      row.pictures.back() = Split(masks, trained->at("mask_side"), 1).front();
      cv::resize(row.pictures.back(), row.pictures.back(), {kTile, kTile}, 0, 0, cv::INTER_NEAREST);
    }
    for (const std::string& file :
         {shown.frame.at("bare_file").get<std::string>(), trained->at("file").get<std::string>()}) {
      ASSIGN_OR_RETURN(const cv::Mat joined, ReadPicture(session.out + "/" + file));
      const int prompts = std::min(kPromptsShown, joined.rows / kSide);
      const std::vector<cv::Mat> pictures = Split(joined, kSide, prompts * pictures_a_prompt);
      for (int i = 0; i < kPromptsShown; ++i) {
        row.pictures.push_back(
            i < prompts ? pictures[static_cast<size_t>(i) * static_cast<size_t>(pictures_a_prompt)]
                        : cv::Mat());
      }
    }
    rows.push_back(std::move(row));
  }
  return Below(ContactSheet(rows, options), DrawTable(table));
}

}  // namespace vico::toyworld
