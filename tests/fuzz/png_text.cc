// The texts of PNG files. What is added is read, and stripping undoes adding. Checksums are
// corrected first: otherwise every changed file would be refused at once.
#include "common/formats/png_text.h"

#include "tests/fuzz/fuzz_target.h"
#include "tests/server/pictures/png_files.h"

namespace vico::fuzz {
namespace {

using server::BigEndian32;
using server::WithChunk;

std::string WithRightChecksums(std::string png) {
  for (size_t at = 8; at + 12 <= png.size();) {
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(png[at + i]);
    if (length > png.size() - at - 12) break;
    const auto* checked = reinterpret_cast<const Bytef*>(png.data() + at + 4);
    const auto crc = static_cast<uint32_t>(crc32(0, checked, static_cast<uInt>(length + 4)));
    png.replace(at + 8 + length, 4, BigEndian32(crc));
    at += length + 12;
  }
  return png;
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string png = server::PngThatSays(3, 2);
  return {png,
          WithChunk(png, "tEXt", std::string("parameters\0a dog\xe9", 17)),
          WithChunk(png, "zTXt", std::string("key\0\0packed", 11)),
          WithChunk(png, "iTXt", std::string("vico\0\0\0en\0key\0{\"a\":1}", 21)),
          WithChunk(png, "iTXt", std::string("vico\0\1\0\0\0packed", 15)),
          WithChunk(png, "iTXt", "no end"),
          WithChunk(png, "eXIf", "II*"),
          png + "behind",
          "\x89PNG\r\n\x1a\n\x7f\xff\xff\xffIHDR"};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string png = WithRightChecksums(std::string(AsText(data, size)));
  const auto read = ReadPngText(png);
  const auto stripped = StripPngText(png);
  if (!stripped.ok()) {
    MustHold(!read.ok() && !AddPngText(png, {}).ok(), "all functions refuse the same files");
    return 0;
  }
  const std::vector<PngText> texts = {{"parameters", "a\xc3\xa9"}, {"vico", "\xe7\x8c\xab"}};
  const auto with_texts = AddPngText(*stripped, texts);
  MustHold(with_texts.ok() && *ReadPngText(*with_texts) == texts, "what is added is read");
  MustHold(*StripPngText(*with_texts) == *stripped, "stripping undoes adding");
  return 0;
}

}  // namespace vico::fuzz
