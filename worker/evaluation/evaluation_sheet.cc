#include "worker/evaluation/evaluation_sheet.h"

#include <algorithm>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "worker/sheet/contact_sheet.h"

namespace vico::worker {
namespace {

constexpr int kSmallestTile = 128, kLargestTile = 256;  // pixels

cv::Mat Copied(const Pixels& pixels) {
  cv::Mat picture(pixels.height, pixels.width, CV_8UC3);
  std::copy(pixels.rgb.begin(), pixels.rgb.end(), picture.data);
  return picture;
}

}  // namespace

Pixels DrawEvaluationSheet(const SheetContent& content) {
  const PictureOrder order = {.prompts = static_cast<int>(content.prompts.size()),
                              .pictures_of_prompt = static_cast<int>(content.seeds.size())};
  SheetOptions options;
  options.title = content.title;
  options.tile = std::clamp(content.pictures.front().width / 2, kSmallestTile, kLargestTile);
  options.split_after = order.pictures_of_prompt;
  for (const char* when : {"before", "after"}) {
    for (const uint64_t seed : content.seeds) {
      options.columns.push_back(fmt::format("{}, seed {}", when, seed));
    }
  }
  std::vector<SheetRow> rows;
  for (int prompt = 0; prompt < order.prompts; ++prompt) {
    SheetRow& row = rows.emplace_back();
    row.label = content.prompts[static_cast<size_t>(prompt)];
    for (int i = 0; i < order.pictures_of_prompt; ++i) {
      row.pictures.push_back(
          Copied(content.pictures[static_cast<size_t>(order.before(prompt, i))]));
    }
    for (int i = 0; i < order.pictures_of_prompt; ++i) {
      row.pictures.push_back(Copied(content.pictures[static_cast<size_t>(order.after(prompt, i))]));
    }
  }
  const cv::Mat sheet = ContactSheet(rows, options);
  return {.width = sheet.cols,
          .height = sheet.rows,
          .rgb = {sheet.data, sheet.data + sheet.total() * sheet.elemSize()}};
}

}  // namespace vico::worker
