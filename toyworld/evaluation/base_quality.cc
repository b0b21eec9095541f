#include "toyworld/evaluation/base_quality.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "toyworld/charts/contact_sheet.h"
#include "toyworld/evaluation/judge.h"
#include "toyworld/evaluation/metrics.h"

namespace vico::toyworld {
namespace {

constexpr int kChunk = 32, kChunkColumns = 8;
constexpr int kReference = 2048,
              kReferenceFrom =
                  1'000'000;  // indices of the captions whose drawings are the reference
constexpr size_t kOnSheet = 48, kSheetColumns = 8;

struct Chunk {
  std::vector<cv::Mat> pictures;
  double seconds = 0;
};

// Draws the chunk, or reads it if it is stored.
absl::StatusOr<Chunk> DrawChunk(const Session& session, const std::vector<HeldOutCaption>& captions,
                                int first) {
  const int count = std::min(kChunk, static_cast<int>(captions.size()) - first);
  std::vector<std::string> texts;
  texts.reserve(static_cast<size_t>(count));
  for (int i = first; i < first + count; ++i) {
    texts.push_back(captions[static_cast<size_t>(i)].drawing.caption);
  }
  const std::string key =
      Records::Key({{"kind", "base"}, {"base", session.base.digest()}, {"captions", texts}});
  const std::string path = fmt::format("{}/pictures/base_{}.png", session.out, key);
  Chunk chunk;
  if (const Json* record = session.records.Find(key)) {
    const auto joined = ReadPicture(path);
    if (joined.ok()) {
      return Chunk{Split(*joined, kSide, count), record->at("seconds").get<double>()};
    }
  }
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    const uint64_t seed = static_cast<uint64_t>(first) + static_cast<uint64_t>(i);
    ASSIGN_OR_RETURN(std::vector<cv::Mat> one,
                     session.base.Draw(texts[static_cast<size_t>(i)], {seed}, nullptr));
    chunk.pictures.push_back(std::move(one.front()));
  }
  chunk.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RETURN_IF_ERROR(WritePicture(path, Join(chunk.pictures, kChunkColumns)));
  RETURN_IF_ERROR(session.records.Add(key, {{"kind", "base"}, {"seconds", chunk.seconds}}));
  fmt::print("base: {} of {} captions\n", first + count, captions.size());
  std::fflush(stdout);
  return chunk;
}

class Tally {
 public:
  void Count(const std::optional<int>& said, int seen) {
    if (!said) return;
    ++asked_;
    right_ += *said == seen ? 1 : 0;
  }
  Json ToJson() const {
    if (asked_ == 0) return {{"accuracy", nullptr}, {"asked", 0}};
    return {{"accuracy", static_cast<double>(right_) / asked_}, {"asked", asked_}};
  }

 private:
  int right_ = 0, asked_ = 0;
};

// The mean over the captions for which `counts` holds.
template <typename Counts>
Json Accuracies(const std::vector<HeldOutCaption>& captions, const Verdicts& verdicts,
                const Counts& counts) {
  Tally toy_class, colour, scene, pattern;
  for (size_t i = 0; i < captions.size(); ++i) {
    if (!counts(captions[i])) continue;
    toy_class.Count(captions[i].toy_class, verdicts.toy_class[i]);
    colour.Count(captions[i].colour, verdicts.colours[i][0]);
    scene.Count(captions[i].scene, verdicts.scene[i]);
    pattern.Count(captions[i].pattern, verdicts.pattern[i]);
  }
  return {{"class", toy_class.ToJson()},
          {"colour", colour.ToJson()},
          {"scene", scene.ToJson()},
          {"pattern", pattern.ToJson()}};
}

Json AccuraciesByClass(const std::vector<HeldOutCaption>& captions, const Verdicts& verdicts,
                       const std::vector<int>& classes) {
  Json by_class;
  for (const int toy_class : classes) {
    by_class[std::string(kClassNames[static_cast<size_t>(toy_class)])] = Accuracies(
        captions, verdicts,
        [&](const HeldOutCaption& c) { return c.drawing.instance.toy_class == toy_class; });
  }
  return by_class;
}

std::vector<cv::Mat> Drawings(int first, int count, const std::vector<int>& classes) {
  std::vector<cv::Mat> drawings;
  drawings.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    drawings.push_back(MakeHeldOutCaption(first + i, classes).drawing.image);
  }
  return drawings;
}

}  // namespace

absl::StatusOr<Json> MeasureBase(const Session& session, int count) {
  std::vector<HeldOutCaption> captions;
  std::vector<cv::Mat> drawn, drawings;
  for (int i = 0; i < count; ++i) {
    captions.push_back(MakeHeldOutCaption(i, session.classes));
    drawings.push_back(captions.back().drawing.image);
  }
  double seconds = 0;
  for (int first = 0; first < count; first += kChunk) {
    ASSIGN_OR_RETURN(Chunk chunk, DrawChunk(session, captions, first));
    seconds += chunk.seconds;
    std::move(chunk.pictures.begin(), chunk.pictures.end(), std::back_inserter(drawn));
  }

  const auto all = [](const HeldOutCaption&) { return true; };
  const Verdicts of_drawn = Judge(session.scorer, drawn);
  const Verdicts of_drawings = Judge(session.scorer, drawings);
  const Verdicts reference =
      Judge(session.scorer, Drawings(kReferenceFrom, kReference, session.classes));

  SheetOptions options;
  options.title = "The bare base on held-out captions";
  options.tile = 96;
  std::vector<SheetRow> rows;
  for (size_t i = 0; i < std::min(kOnSheet, drawn.size()); ++i) {
    if (i % kSheetColumns == 0) rows.emplace_back();
    SheetRow& row = rows.back();
    row.label += (row.label.empty() ? "" : "   |   ") + captions[i].drawing.caption;
    row.pictures.push_back(drawn[i]);
  }
  RETURN_IF_ERROR(WritePicture(session.out + "/base_sheet.png", ContactSheet(rows, options)));
  return Json{{"captions", count},
              {"accuracy", Accuracies(captions, of_drawn, all)},
              {"accuracy_of_drawings", Accuracies(captions, of_drawings, all)},
              {"accuracy_by_class", AccuraciesByClass(captions, of_drawn, session.classes)},
              {"frechet", FrechetDistance(of_drawn.features, reference.features)},
              {"frechet_floor", FrechetDistance(of_drawings.features, reference.features)},
              {"seconds_per_picture", seconds / count}};
}

}  // namespace vico::toyworld
