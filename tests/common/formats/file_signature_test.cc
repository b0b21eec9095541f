#include "common/formats/file_signature.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>

namespace vico {
namespace {

using testing::HasSubstr;

std::string Bytes(const char* text, size_t size) { return {text, size}; }

std::string Ftyp(const std::string& brands) {
  return Bytes("\0\0\0", 3) + static_cast<char>(8 + brands.size()) + "ftyp" + brands;
}

/// A little-endian TIFF whose directory has these tags, of type LONG with the value 64.
std::string Tiff(const std::vector<int>& tags, const std::string& make = "") {
  std::string file = Bytes("II*\0\x08\0\0\0", 8) + static_cast<char>(tags.size()) + '\0';
  for (const int tag : tags) {
    file += static_cast<char>(tag & 0xff);
    file += static_cast<char>(tag >> 8);
    file += Bytes("\4\0\1\0\0\0\x40\0\0\0", 10);
  }
  file.resize(64, '\0');
  return file + make + Bytes("\0\0\0\0\0\0", 6);
}

TEST(FileSignatureTest, EveryFileHasItsName) {
  const std::pair<std::string, const char*> files[] = {
      {Bytes("\xff\xd8\xff\xe0", 4), "a JPEG picture"},
      {Bytes("\x89PNG\r\n\x1a\n", 8), "a PNG picture"},
      {"RIFF....WEBPVP8 ", "a WebP picture"},
      {Ftyp("heic....mif1heic"), "a HEIC picture"},
      {Ftyp("mif1....heicmif1"), "a HEIC picture"},
      {Ftyp("avif....mif1avif"), "an AVIF picture"},
      {Ftyp("mif1....avifmiaf"), "an AVIF picture"},
      {Ftyp("mif1....xxxx"), "a HEIF picture"},
      {Ftyp("crx ....crx isom"), "a Canon raw picture (CR3)"},
      {Ftyp("isom....isommp42"), "a video (MP4 or QuickTime)"},
      {Ftyp("qt  ....qt  "), "a video (MP4 or QuickTime)"},
      {"GIF89a", "a GIF picture"},
      {Bytes("BM\x36\0\0\0\0\0\0\0\x36\0", 12), "a BMP picture"},
      {Tiff({0x0100, 0x0101}), "a TIFF picture"},
      {Bytes("MM\0*\0\0\0\x08", 8), "a TIFF picture"},
      {Tiff({0x0100, 0xc612}), "a raw picture (DNG)"},
      {Tiff({0x010f, 0x014a}, "NIKON"), "a Nikon raw picture (NEF)"},
      {Tiff({0x010f, 0x014a}, "SONY"), "a Sony raw picture (ARW)"},
      {Tiff({0x010f}, "SONY"), "a TIFF picture"},
      {Bytes("II*\0\x10\0\0\0CR\2\0", 12), "a Canon raw picture (CR2)"},
      {"FUJIFILMCCD-RAW ", "a Fujifilm raw picture (RAF)"},
      {Bytes("\xff\x0a\0", 3), "a JPEG XL picture"},
      {Bytes("\0\0\0\x0cJXL \r\n\x87\n", 12), "a JPEG XL picture"},
      {Bytes("\0\0\0\x0cjP  \r\n\x87\n", 12), "a JPEG 2000 picture"},
      {"8BPS", "a Photoshop document"},
      {"P6 2 2 255\n", "a PNM picture"},
      {"%PDF-1.7", "a PDF document"},
      {"<!DOCTYPE html><html>", "a web page (HTML)"},
      {"\xef\xbb\xbf\r\n  <HTML lang=de>", "a web page (HTML)"},
      {"<?xml version='1.0'?><html>", "a web page (HTML)"},
      {"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"},
      {"<?xml version='1.0'?><!-- x --><svg>", "an SVG drawing"},
      {"<?xml version='1.0'?><Error>NoSuchKey</Error>", "an XML text"},
      {"{\"error\": 404}", "a JSON text"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:1", "a Git LFS pointer"},
      {"data:image/png;base64,iVBOR", "a picture in base64"},
      {"Not found\n", "a text"},
      {Bytes("\xff\xfeh\0i\0", 6), "a text in UTF-16"},
      {Bytes("PK\3\4....", 8), "a ZIP archive"},
      {"PK\3\4" + std::string(26, '.') + "[Content_Types].xml", "an Office"},
      {"PK\3\4" + std::string(26, '.') + "archive/data.pkl", "a PyTorch checkpoint"},
      {"Rar!\x1a\x07", "a RAR archive"},
      {"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"},
      {"\x1f\x8b\x08", "a gzip archive"},
      {std::string(257, 'a') + "ustar", "a tar archive"},
      {"RIFF....AVI LIST", "an AVI video"},
      {Bytes("\x40\0\0\0\0\0\0\0{\"a\":", 13), "a safetensors file"},
      {Bytes("\x80\x02}q", 4), "a Python pickle"},
      {"GGUF", "a GGUF model"},
      {Bytes("\0\x05\x16\x07\0\2", 6), "companion of a file"},
      {std::string(512, '\0'), "a file of zeros"},
      {"\xef\xbf\xbdPNG\n", "transfer as text"},
      {Bytes("\x89PNG\n\x1a\n", 7), "transfer as text"},
      {"\x7f"
       "ELF",
       "a program"},
  };
  for (const auto& [bytes, name] : files) {
    const FileType* const type = FindFileType(bytes);
    ASSERT_NE(type, nullptr) << name;
    EXPECT_THAT(std::string(type->name), HasSubstr(name));
  }
}

TEST(FileSignatureTest, WhatMatchesNothingIsUnknown) {
  for (const std::string& bytes :
       {std::string(), Bytes("\0", 1), Bytes("\1\2\3\4\5\6\7\x08\x0e", 9), Bytes("a\0b\0\1", 5)}) {
    EXPECT_EQ(FindFileType(bytes), nullptr) << bytes.size();
  }
}

TEST(FileSignatureTest, ATruncatedFileIsReadWithoutHarm) {
  const std::string files[] = {Ftyp("mif1....avifmiaf"), Tiff({0x010f, 0x014a}, "NIKON"),
                               "RIFF....WEBPVP8 ", "PK\3\4" + std::string(26, '.') + "[Content"};
  for (const std::string& whole : files) {
    for (size_t size = 0; size <= whole.size(); ++size) FindFileType(whole.substr(0, size));
  }
  SUCCEED();
}

TEST(FileSignatureTest, AdviceSaysWhatToDo) {
  EXPECT_THAT(std::string(FindFileType(Ftyp("heic....mif1"))->advice), HasSubstr("JPEG"));
  EXPECT_THAT(std::string(FindFileType("version https://git-lfs.github.com/spec/v1")->advice),
              HasSubstr("git lfs pull"));
}

}  // namespace
}  // namespace vico
