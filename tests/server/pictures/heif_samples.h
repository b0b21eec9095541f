// The coded pictures of tests/server/data, which need encoders that Vico does not use. Made with:
//   heif-enc -q 90 two.png; heif-enc -A -q 90 two.png; with alpha 51 in the right half, clear.heic
//   and, with -b 10 -p chroma=444, clear10.avif; in grey, grey.avif.
#pragma once

#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>

#include "server/pictures/scan/heif_boxes.h"
#include "tests/server/pictures/heif_files.h"

namespace vico::server {

inline std::string HeifSample(const std::string& name) {
  std::ifstream file("tests/server/data/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The coded main picture of a sample.
inline CodedTile TileOf(const std::string& name) {
  const std::string bytes = HeifSample(name);
  const auto file = ReadHeif(bytes);
  if (!file.ok()) std::abort();
  const HeifItem& item = file->items.at(file->primary);
  const std::string config = item.type == "hvc1" ? "hvcC" : "av1C";
  uint64_t budget = bytes.size();
  std::deque<std::string> storage;
  return {std::string(item.type), HeifBox(config, std::string(file->Property(item, config))),
          std::string(*file->Data(item, budget, storage))};
}

}  // namespace vico::server
