// HEIC and AVIF files, through the scan of their boxes and the decoder.
#include "tests/fuzz/picture.h"
#include "tests/server/pictures/heif_files.h"
#include "tests/server/pictures/heif_samples.h"

namespace vico::fuzz {

std::vector<std::string> Seeds() {
  using namespace server;  // NOLINT(google-build-using-namespace): the makers of files
  std::vector<std::string> seeds;
  for (const char* name : {"two.heic", "clear.heic", "two.avif", "clear10.avif", "grey.avif"}) {
    seeds.push_back(HeifSample(name));
  }
  for (const char* name : {"two.heic", "two.avif"}) {
    const CodedTile tile = TileOf(name);
    seeds.push_back(OneTile(tile));
    seeds.push_back(OneTile(tile, {}, true));
    seeds.push_back(GridOf(tile, 2, 2, 160, 100));
    seeds.push_back(GridOf(tile, 2, 2, 192, 128));  // is scaled down
    seeds.push_back(GridOf(tile, 1, 2, 96, 128, {HeifBox("irot", "\1"), HeifBox("imir", "\1")}));
    seeds.push_back(OneTile(tile, {HeifBox("colr", "prof" + P3Profile()), HeifBox("irot", "\3"),
                                   HeifBox("imir", std::string(1, '\0'))}));
    for (const uint32_t matrix : {0, 1, 2, 9}) {
      seeds.push_back(OneTile(tile, {HeifBox("colr", "nclx" + BigEndian16(12) + BigEndian16(13) +
                                                         BigEndian16(matrix) + "\x80")}));
    }
    seeds.push_back(OneTile(tile, {HeifSize(97, 64)}));
    seeds.push_back(OneTile({"jpeg", tile.config, tile.data}));
    const HeifItemToWrite one{tile.type, tile.data, {HeifSize(96, 64), tile.config}};
    const HeifItemToWrite grid{"grid", HeifGrid(2, 1, 192, 64), {HeifSize(192, 64)}};
    seeds.push_back(WriteHeif("heic", {grid, one}, {{"dimg", 1, {2, 2}}}));
    seeds.push_back(WriteHeif("heic", {grid, grid}, {{"dimg", 1, {1, 2}}}));
    seeds.push_back(WriteHeif("heic", {grid, one}, {}));
    seeds.push_back(WriteHeif("heic", {}, {}));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kBrand = "ftypmif1";
  std::string file(AsText(data, size));
  if (file.size() < 12) return 0;
  file.replace(4, kBrand.size(), kBrand);
  ScanAndDecode(file);
  return 0;
}

}  // namespace vico::fuzz
