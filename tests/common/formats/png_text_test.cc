// libpng writes the files and reads them back.
#include "common/formats/png_text.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>
#include <zlib.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

using std::string_view_literals::operator""sv;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::StatusCode kBad = absl::StatusCode::kInvalidArgument;
constexpr uint32_t kSide = 5;
constexpr size_t kHeaderEnd = 8 + 25;

std::vector<uint8_t> Pixels() {
  std::vector<uint8_t> pixels(size_t{3} * kSide * kSide);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(37 * i);
  return pixels;
}

std::string Png() {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = kSide;
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string bytes(size, '\0');
  EXPECT_TRUE(
      png_image_write_to_memory(&image, bytes.data(), &size, 0, Pixels().data(), 0, nullptr));
  bytes.resize(size);
  return bytes;
}

struct Reader {
  std::vector<std::pair<int, PngText>> texts;  ///< with libpng's number of the kind of chunk
  std::vector<uint8_t> pixels;
};

/// What libpng finds. It aborts the test's process at an error.
Reader ReadWithLibpng(std::string_view bytes) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_read_fn(png, &bytes, [](png_structp from, png_bytep out, size_t size) {
    auto& rest = *static_cast<std::string_view*>(png_get_io_ptr(from));
    if (rest.size() < size) png_error(from, "cut");
    std::memcpy(out, rest.data(), size);
    rest.remove_prefix(size);
  });
  png_read_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  Reader reader;
  png_textp texts = nullptr;
  const int count = png_get_text(png, info, &texts, nullptr);
  for (int i = 0; i < count; ++i) {
    const bool itxt = texts[i].compression >= PNG_ITXT_COMPRESSION_NONE;
    const size_t size = itxt ? texts[i].itxt_length : texts[i].text_length;
    reader.texts.push_back({texts[i].compression, {texts[i].key, {texts[i].text, size}}});
  }
  png_bytepp rows = png_get_rows(png, info);
  for (uint32_t row = 0; row < kSide; ++row) {
    reader.pixels.insert(reader.pixels.end(), rows[row], rows[row] + 3 * kSide);
  }
  png_destroy_read_struct(&png, &info, nullptr);
  return reader;
}

std::string BigEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

/// The file with a chunk behind its header.
std::string WithChunk(const std::string& type, const std::string& data) {
  const std::string checked = type + data;
  const auto crc =
      crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
  return Png().insert(kHeaderEnd, BigEndian(static_cast<uint32_t>(data.size())) + checked +
                                      BigEndian(static_cast<uint32_t>(crc)));
}

TEST(PngTextTest, LibpngReadsLatinTextAsTextAndOtherTextAsInternationalText) {
  const std::vector<PngText> texts = {{"parameters", "a photo of a S*\nSteps: 25"},
                                      {"Comment",
                                       "Stra\xc3\x9f"
                                       "e"},
                                      {"vico", R"({"prompt":"猫 🐱"})"}};
  const auto png = AddPngText(Png(), texts);
  ASSERT_THAT(png, IsOk());
  EXPECT_THAT(ReadWithLibpng(*png).texts,
              ElementsAre(std::pair(PNG_TEXT_COMPRESSION_NONE, texts[0]),
                          std::pair(PNG_TEXT_COMPRESSION_NONE, PngText{"Comment",
                                                                       "Stra\xdf"
                                                                       "e"}),
                          std::pair(PNG_ITXT_COMPRESSION_NONE, texts[2])));
}

TEST(PngTextTest, PixelsAndOtherChunksStay) {
  const std::string before = WithChunk("tIME", std::string(7, '\1'));
  const auto png = AddPngText(before, std::vector<PngText>{{"a", "b"}});
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(ReadWithLibpng(*png).pixels, Pixels());
  EXPECT_EQ(png->substr(0, kHeaderEnd), before.substr(0, kHeaderEnd));
  EXPECT_TRUE(png->ends_with(before.substr(kHeaderEnd)));
}

TEST(PngTextTest, WhatIsAddedIsReadInItsOrder) {
  const std::vector<PngText> texts = {{"b", "first"}, {"a", "\xc3\xbc"}, {"b", "猫"}, {"e", ""}};
  const auto png = AddPngText(Png(), texts);
  ASSERT_THAT(png, IsOk());
  const auto read = ReadPngText(*png);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, texts);
}

TEST(PngTextTest, StrippingUndoesAdding) {
  const auto png =
      AddPngText(Png(), std::vector<PngText>{{"parameters", "secret"}, {"vico", "猫"}});
  ASSERT_THAT(png, IsOk());
  const auto stripped = StripPngText(*png);
  ASSERT_THAT(stripped, IsOk());
  EXPECT_EQ(*stripped, Png());
}

TEST(PngTextTest, StrippingRemovesEveryKindOfTextAndNothingElse) {
  for (const char* type : {"tEXt", "zTXt", "iTXt", "eXIf"}) {
    const auto stripped = StripPngText(WithChunk(type, "who knows"));
    ASSERT_THAT(stripped, IsOk());
    EXPECT_EQ(*stripped, Png()) << type;
  }
  const std::string other = WithChunk("gAMA", std::string("\0\0\xb1\x8f", 4));
  const auto stripped = StripPngText(other);
  ASSERT_THAT(stripped, IsOk());
  EXPECT_EQ(*stripped, other);
}

TEST(PngTextTest, CompressedTextsAreLeftOut) {
  EXPECT_THAT(*ReadPngText(WithChunk("zTXt", std::string("key\0\0xyz"sv))), IsEmpty());
  EXPECT_THAT(*ReadPngText(WithChunk("iTXt", std::string("key\0\1\0\0\0xyz"sv))), IsEmpty());
}

TEST(PngTextTest, AWrongKeywordOrTextIsRefused) {
  const std::string png = Png();
  for (const std::string& keyword :
       {std::string(), std::string(80, 'k'), std::string(" k"), std::string("k "),
        std::string("a  b"), std::string("k\0"sv), std::string("k\xc3\xbc"), std::string("a\nb")}) {
    EXPECT_THAT(AddPngText(png, std::vector<PngText>{{keyword, "t"}}), HasCode(kBad)) << keyword;
  }
  for (const std::string& text :
       {std::string("\xff"), std::string("a\0b"sv), std::string("\xc3")}) {
    EXPECT_THAT(AddPngText(png, std::vector<PngText>{{"k", text}}), HasCode(kBad)) << text;
  }
}

TEST(PngTextTest, ACutFileIsAnErrorAtEveryLength) {
  const auto png = AddPngText(Png(), std::vector<PngText>{{"a", "b"}, {"c", "猫"}});
  ASSERT_THAT(png, IsOk());
  for (size_t size = 0; size < png->size(); ++size) {
    const std::string_view cut = std::string_view(*png).substr(0, size);
    ASSERT_THAT(ReadPngText(cut), HasReason("DAMAGED_PNG")) << size;
    ASSERT_THAT(AddPngText(cut, {}), HasReason("DAMAGED_PNG")) << size;
    ASSERT_THAT(StripPngText(cut), HasReason("DAMAGED_PNG")) << size;
  }
}

TEST(PngTextTest, AChangedByteIsAnError) {
  const std::string good = Png();
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    ASSERT_THAT(StripPngText(bad), HasReason("DAMAGED_PNG")) << at;
  }
}

TEST(PngTextTest, LengthsThatLieAreErrors) {
  for (const auto length :
       {"\xff\xff\xff\xff"sv, "\x7f\xff\xff\xff"sv, "\0\0\0\0"sv, "\0\1\0\0"sv}) {
    std::string bad = Png();
    bad.replace(kHeaderEnd, 4, length);
    EXPECT_THAT(ReadPngText(bad), HasReason("DAMAGED_PNG"));
  }
}

TEST(PngTextTest, WithoutItsHeaderOrWithMoreAfterTheEndItIsDamaged) {
  std::string bad = Png();
  bad.erase(8, 25);
  EXPECT_THAT(StripPngText(bad), HasReason("DAMAGED_PNG"));
  EXPECT_THAT(StripPngText(Png() + "more"), HasReason("DAMAGED_PNG"));
  EXPECT_THAT(StripPngText("\xff\xd8\xff JPEG"), HasReason("DAMAGED_PNG"));
}

TEST(PngTextTest, ATextChunkThatIsNotOneIsDamaged) {
  for (const auto& [type, data] :
       {std::pair{"tEXt", "no end of the keyword"sv}, std::pair{"iTXt", "key\0"sv},
        std::pair{"iTXt", "key\0\0\0no end of the language"sv},
        std::pair{"iTXt", "key\0\0\0\0\0\xff"sv}}) {
    EXPECT_THAT(ReadPngText(WithChunk(type, std::string(data))), HasReason("DAMAGED_PNG")) << data;
  }
}

}  // namespace
}  // namespace vico
