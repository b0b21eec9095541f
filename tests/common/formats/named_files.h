// The first bytes of files of many types, with the type's name.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace vico {

inline std::string BytesOf(const char* text, size_t size) { return {text, size}; }

inline std::string FtypFile(const std::string& brands) {
  return BytesOf("\0\0\0", 3) + static_cast<char>(8 + brands.size()) + "ftyp" + brands;
}

/// A little-endian TIFF whose directory has these tags, of type LONG with the value 64.
inline std::string TiffFile(const std::vector<int>& tags, const std::string& make = "") {
  std::string file = BytesOf("II*\0\x08\0\0\0", 8) + static_cast<char>(tags.size()) + '\0';
  for (const int tag : tags) {
    file += static_cast<char>(tag & 0xff);
    file += static_cast<char>(tag >> 8);
    file += BytesOf("\4\0\1\0\0\0\x40\0\0\0", 10);
  }
  file.resize(64, '\0');
  return file + make + BytesOf("\0\0\0\0\0\0", 6);
}

inline std::vector<std::pair<std::string, const char*>> NamedFiles() {
  return {{BytesOf("\xff\xd8\xff\xe0", 4), "a JPEG picture"},
          {BytesOf("\x89PNG\r\n\x1a\n", 8), "a PNG picture"},
          {"RIFF....WEBPVP8 ", "a WebP picture"},
          {FtypFile("heic....mif1heic"), "a HEIC picture"},
          {FtypFile("mif1....heicmif1"), "a HEIC picture"},
          {FtypFile("avif....mif1avif"), "an AVIF picture"},
          {FtypFile("mif1....avifmiaf"), "an AVIF picture"},
          {FtypFile("mif1....xxxx"), "a HEIF picture"},
          {FtypFile("crx ....crx isom"), "a Canon raw picture (CR3)"},
          {FtypFile("isom....isommp42"), "a video (MP4 or QuickTime)"},
          {FtypFile("qt  ....qt  "), "a video (MP4 or QuickTime)"},
          {"GIF89a", "a GIF picture"},
          {BytesOf("BM\x36\0\0\0\0\0\0\0\x36\0", 12), "a BMP picture"},
          {TiffFile({0x0100, 0x0101}), "a TIFF picture"},
          {BytesOf("MM\0*\0\0\0\x08", 8), "a TIFF picture"},
          {TiffFile({0x0100, 0xc612}), "a raw picture (DNG)"},
          {TiffFile({0x010f, 0x014a}, "NIKON"), "a Nikon raw picture (NEF)"},
          {TiffFile({0x010f, 0x014a}, "SONY"), "a Sony raw picture (ARW)"},
          {TiffFile({0x010f}, "SONY"), "a TIFF picture"},
          {BytesOf("II*\0\x10\0\0\0CR\2\0", 12), "a Canon raw picture (CR2)"},
          {"FUJIFILMCCD-RAW ", "a Fujifilm raw picture (RAF)"},
          {BytesOf("\xff\x0a\0", 3), "a JPEG XL picture"},
          {BytesOf("\0\0\0\x0cJXL \r\n\x87\n", 12), "a JPEG XL picture"},
          {BytesOf("\0\0\0\x0cjP  \r\n\x87\n", 12), "a JPEG 2000 picture"},
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
          {BytesOf("\xff\xfeh\0i\0", 6), "a text in UTF-16"},
          {BytesOf("PK\3\4....", 8), "a ZIP archive"},
          {"PK\3\4" + std::string(26, '.') + "[Content_Types].xml", "an Office"},
          {"PK\3\4" + std::string(26, '.') + "archive/data.pkl", "a PyTorch checkpoint"},
          {"Rar!\x1a\x07", "a RAR archive"},
          {"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"},
          {"\x1f\x8b\x08", "a gzip archive"},
          {std::string(257, 'a') + "ustar", "a tar archive"},
          {"RIFF....AVI LIST", "an AVI video"},
          {BytesOf("\x40\0\0\0\0\0\0\0{\"a\":", 13), "a safetensors file"},
          {BytesOf("\x80\x02}q", 4), "a Python pickle"},
          {"GGUF", "a GGUF model"},
          {BytesOf("\0\x05\x16\x07\0\2", 6), "companion of a file"},
          {std::string(512, '\0'), "a file of zeros"},
          {"\xef\xbf\xbdPNG\n", "transfer as text"},
          {BytesOf("\x89PNG\n\x1a\n", 7), "transfer as text"},
          {"\x7f"
           "ELF",
           "a program"}};
}

}  // namespace vico
