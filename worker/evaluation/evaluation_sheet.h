// The contact sheet of a report: a row for each prompt, a column for each seed before and after.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/evaluation/figures.h"
#include "worker/io/image.h"

namespace vico::worker {

struct SheetContent {
  std::string title;
  std::vector<std::string> prompts;
  std::vector<uint64_t> seeds;          ///< of each prompt's pictures
  const std::vector<Pixels>& pictures;  ///< in the order of PictureOrder
};

/// The pictures of 64 to 512 pixels a side become tiles of 128 to 256.
Pixels DrawEvaluationSheet(const SheetContent& content);

}  // namespace vico::worker
