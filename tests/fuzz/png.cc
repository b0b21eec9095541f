// PNG files, through the header scan and the decoder. The mutator corrects the checksums after
// libFuzzer has changed the file; otherwise every changed file would be refused at once.
#include <cstring>

#include "tests/fuzz/picture.h"
#include "tests/server/pictures/icc_files.h"
#include "tests/server/pictures/png_files.h"

namespace vico::fuzz {
namespace {

using server::BigEndian32;
using server::PngChunk;

std::string Rows(size_t bytes) { return std::string(bytes, '\x5a'); }

std::vector<std::string> EveryKind() {
  std::vector<std::string> seeds;
  const std::string palette = PngChunk("PLTE", std::string("\x0a\x14\x1e\xff\0\0\1\2\3", 9)) +
                              PngChunk("tRNS", std::string("\xff\0", 2));
  for (const auto& [depth, type, samples] : {std::tuple{1, 0, 1},
                                             {2, 0, 1},
                                             {4, 0, 1},
                                             {8, 0, 1},
                                             {16, 0, 1},
                                             {8, 2, 3},
                                             {16, 2, 3},
                                             {8, 4, 2},
                                             {16, 4, 2},
                                             {8, 6, 4},
                                             {16, 6, 4}}) {
    const size_t bytes = static_cast<size_t>(16 * depth * samples) / 8;
    const std::vector<std::string> rows(9, Rows(bytes));
    seeds.push_back(server::HandMadePng(16, depth, type, rows));
    seeds.push_back(
        server::HandMadePng(16, depth, type, rows, PngChunk("tRNS", std::string(6, '\1'))));
  }
  for (const int depth : {1, 2, 4, 8}) {
    seeds.push_back(server::HandMadePng(
        16, depth, 3,
        std::vector<std::string>(9, std::string(static_cast<size_t>(2 * depth), '\1')), palette));
  }
  for (int orientation = 0; orientation <= 9; ++orientation) {
    for (const bool little : {false, true}) {
      seeds.push_back(
          server::WithChunk(seeds[12], "eXIf", server::OrientationTiff(orientation, little)));
    }
  }
  return seeds;
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = EveryKind();
  const std::string good = seeds[10];
  seeds.push_back(server::PngThatSays(65500, 65500));
  seeds.push_back(server::PngThatSays(64, 64));
  seeds.push_back(server::PngThatSays(0, 0, 3, 9));
  seeds.push_back(server::WithChunk(good, "acTL", BigEndian32(1) + BigEndian32(0)));
  seeds.push_back(server::WithChunk(good, "acTL", BigEndian32(2) + BigEndian32(0)));
  seeds.push_back(server::WithPngProfile(good, server::P3Profile()));
  seeds.push_back(server::WithPngProfile(good, "nothing"));
  seeds.push_back(server::WithChunk(good, "iCCP", "nothing"));
  seeds.push_back(server::WithChunk(good, "sRGB", std::string(1, '\0')));
  seeds.push_back(server::WithChunk(good, "gAMA", BigEndian32(100'000)));
  seeds.push_back(server::WithChunk(server::WithChunk(good, "gAMA", BigEndian32(45'455)), "cHRM",
                                    std::string(32, '\1')));
  seeds.push_back(server::WithChunk(good, "cICP", std::string("\x0c\x0d\0\1", 4)));
  seeds.push_back(server::WithChunk(good, "eXIf", server::AdobeRgbExif(true).substr(6)));
  seeds.push_back(good.substr(0, good.size() - 12));
  seeds.push_back(good.substr(0, good.size() - 20));
  std::string wrong_sum = server::WithChunk(good, "tEXt", "text");
  wrong_sum[33 + 10] = 'x';
  seeds.push_back(wrong_sum);
  seeds.push_back(server::WithChunk(good, "ABCD", "critical"));
  seeds.push_back(server::WithChunk(good, "IHDR", std::string(13, '\1')));
  seeds.push_back(server::WithChunk(good, "tEXt", "text"));
  seeds.push_back(good + "behind");
  seeds.push_back(good.substr(0, 8) + PngChunk("IEND", ""));
  seeds.push_back(good.substr(0, 33) + PngChunk("IEND", ""));
  std::string empty_chunks = good.substr(0, 33);  // many chunks without pixels
  for (int i = 0; i < 2000; ++i) empty_chunks += PngChunk("IDAT", "");
  seeds.push_back(empty_chunks + PngChunk("IEND", ""));
  seeds.push_back(server::HandMadePng(16, 8, 0, std::vector<std::string>(40, Rows(16))));
  for (std::string& interlaced : EveryKind()) {
    const std::string header = interlaced.substr(16, 12) + '\1';
    interlaced.replace(8, 25, PngChunk("IHDR", header));
    seeds.push_back(interlaced);
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ScanAndDecode("\x89PNG\r\n\x1a\n" + std::string(AsText(data, size).substr(size < 8 ? size : 8)));
  return 0;
}

#ifdef VICO_LIBFUZZER
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int) {
  size = LLVMFuzzerMutate(data, size, max_size);
  for (size_t at = 8; at + 12 <= size;) {
    uint32_t length = 0;
    for (size_t i = 0; i < 4; ++i) length = length << 8 | data[at + i];
    if (length > size - at - 12) break;
    const std::string sum =
        BigEndian32(static_cast<uint32_t>(crc32(0, data + at + 4, static_cast<uInt>(length + 4))));
    std::memcpy(data + at + 8 + length, sum.data(), sum.size());
    at += length + 12;
  }
  return size;
}
#endif

}  // namespace vico::fuzz
