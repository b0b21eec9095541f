// Sources: the table of libmagic, ISO/IEC 14496-12 (brands), TIFF 6.0, DNG 1.7.
#include "common/formats/file_signature.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace vico {
namespace {

using std::string_view_literals::operator""sv;

constexpr auto kSaveAsJpeg = "save it as JPEG or PNG"sv;
constexpr auto kDevelop = "export it from the camera's program as JPEG"sv;
constexpr auto kHeicAdvice =
    "save it as JPEG; an iPhone does so with Settings, Camera, Formats, Most Compatible"sv;
constexpr auto kUnpack = "unpack it and use the files in it"sv;
constexpr auto kTransferAgain = "transfer the file again in binary mode"sv;

struct Signature {
  size_t at;
  std::string_view bytes;
  FileType type;
};

// The first match counts.
constexpr Signature kSignatures[] = {
    {0, "\x89PNG\r\n\x1a\n"sv, {"a PNG picture", FileKind::kPicture}},
    {0, "\xff\xd8\xff"sv, {"a JPEG picture", FileKind::kPicture}},
    {8, "WEBPVP8"sv, {"a WebP picture", FileKind::kPicture}},
    {0,
     "\x89PNG"sv,
     {"a PNG that a transfer as text has damaged", FileKind::kPicture, kTransferAgain}},
    {0,
     "\xef\xbf\xbdPNG"sv,
     {"a PNG that a transfer as text has damaged", FileKind::kPicture, kTransferAgain}},
    {0,
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"sv,
     {"a binary file that was converted to text", FileKind::kOther, kTransferAgain}},
    {0, "GIF87a"sv, {"a GIF picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "GIF89a"sv, {"a GIF picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "\xff\x0a"sv, {"a JPEG XL picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "\0\0\0\x0cJXL \r\n\x87\n"sv, {"a JPEG XL picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "\0\0\0\x0cjP  \r\n\x87\n"sv, {"a JPEG 2000 picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "\xff\x4f\xff\x51"sv, {"a JPEG 2000 picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "II\xbc\x01"sv, {"a JPEG XR picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "8BPS"sv, {"a Photoshop document", FileKind::kPicture, kSaveAsJpeg}},
    {0, "gimp xcf"sv, {"a GIMP document", FileKind::kPicture, kSaveAsJpeg}},
    {0, "\0\0\x01\0"sv, {"a Windows icon", FileKind::kPicture, kSaveAsJpeg}},
    {0, "icns"sv, {"a macOS icon", FileKind::kPicture, kSaveAsJpeg}},
    {0, "\x76\x2f\x31\x01"sv, {"an OpenEXR picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "#?RADIANCE"sv, {"a Radiance HDR picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "#?RGBE"sv, {"a Radiance HDR picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "qoif"sv, {"a QOI picture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "DDS "sv, {"a DirectDraw surface", FileKind::kPicture, kSaveAsJpeg}},
    {0, "\xabKTX "sv, {"a KTX texture", FileKind::kPicture, kSaveAsJpeg}},
    {0, "FUJIFILMCCD-RAW"sv, {"a Fujifilm raw picture (RAF)", FileKind::kCameraRaw, kDevelop}},
    {0, "IIRO"sv, {"an Olympus raw picture (ORF)", FileKind::kCameraRaw, kDevelop}},
    {0, "IIRS"sv, {"an Olympus raw picture (ORF)", FileKind::kCameraRaw, kDevelop}},
    {0, "MMOR"sv, {"an Olympus raw picture (ORF)", FileKind::kCameraRaw, kDevelop}},
    {0, "IIU\0"sv, {"a Panasonic raw picture (RW2)", FileKind::kCameraRaw, kDevelop}},
    {0, "\0MRM"sv, {"a Minolta raw picture (MRW)", FileKind::kCameraRaw, kDevelop}},
    {0, "FOVb"sv, {"a Sigma raw picture (X3F)", FileKind::kCameraRaw, kDevelop}},
    {8, "AVI "sv, {"an AVI video", FileKind::kMedia, "save one frame of it as JPEG"}},
    {8, "WAVE"sv, {"a WAV sound", FileKind::kMedia}},
    {0,
     "\x1a\x45\xdf\xa3"sv,
     {"a Matroska or WebM video", FileKind::kMedia, "save one frame of it as JPEG"}},
    {0, "OggS"sv, {"an Ogg file", FileKind::kMedia}},
    {0, "ID3"sv, {"an MP3 sound", FileKind::kMedia}},
    {0, "fLaC"sv, {"a FLAC sound", FileKind::kMedia}},
    {0,
     "%PDF"sv,
     {"a PDF document", FileKind::kDocument, "save the page's picture as JPEG or PNG"}},
    {0, "%!PS"sv, {"a PostScript document", FileKind::kDocument, kSaveAsJpeg}},
    {0, "\xc5\xd0\xd3\xc6"sv, {"an EPS document", FileKind::kDocument, kSaveAsJpeg}},
    {0, "{\\rtf"sv, {"an RTF document", FileKind::kDocument}},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, {"an old Office document", FileKind::kDocument}},
    {0, "7z\xbc\xaf\x27\x1c"sv, {"a 7-Zip archive", FileKind::kArchive, kUnpack}},
    {0, "Rar!\x1a\x07"sv, {"a RAR archive", FileKind::kArchive, kUnpack}},
    {0, "\x1f\x8b"sv, {"a gzip archive", FileKind::kArchive, kUnpack}},
    {0, "BZh"sv, {"a bzip2 archive", FileKind::kArchive, kUnpack}},
    {0,
     "\xfd"
     "7zXZ"sv,
     {"an xz archive", FileKind::kArchive, kUnpack}},
    {0, "\x28\xb5\x2f\xfd"sv, {"a Zstandard archive", FileKind::kArchive, kUnpack}},
    {257, "ustar"sv, {"a tar archive", FileKind::kArchive, kUnpack}},
    {0, "GGUF"sv, {"a GGUF model", FileKind::kModel}},
    {0, "\x89HDF\r\n\x1a\n"sv, {"an HDF5 file", FileKind::kModel}},
    {0, "\x80\x02"sv, {"a Python pickle", FileKind::kModel}},
    {0, "\x80\x04"sv, {"a Python pickle", FileKind::kModel}},
    {0, "\x80\x05"sv, {"a Python pickle", FileKind::kModel}},
    {0, "\x93NUMPY"sv, {"a NumPy array", FileKind::kModel}},
    {0, "SQLite format 3"sv, {"an SQLite database", FileKind::kOther}},
    {0,
     "\x7f"
     "ELF"sv,
     {"a program", FileKind::kOther}},
    {0, "MZ"sv, {"a Windows program", FileKind::kOther}},
    {0,
     "\0\x05\x16\x07"sv,
     {"macOS's companion of a file, whose name begins with \"._\"", FileKind::kOther,
      "use the file without \"._\" in its name"}},
    {0, "\xff\xfe"sv, {"a text in UTF-16", FileKind::kText}},
    {0, "\xfe\xff"sv, {"a text in UTF-16", FileKind::kText}},
};

constexpr FileType kHeic{"a HEIC picture", FileKind::kPicture, kHeicAdvice};
constexpr FileType kAvif{"an AVIF picture", FileKind::kPicture, kSaveAsJpeg};
constexpr FileType kHeif{"a HEIF picture", FileKind::kPicture, kSaveAsJpeg};
constexpr FileType kCr3{"a Canon raw picture (CR3)", FileKind::kCameraRaw, kDevelop};
constexpr FileType kVideo{"a video (MP4 or QuickTime)", FileKind::kMedia,
                          "save one frame of it as JPEG"};
constexpr FileType kTiff{"a TIFF picture", FileKind::kPicture, kSaveAsJpeg};
constexpr FileType kDng{"a raw picture (DNG)", FileKind::kCameraRaw, kDevelop};
constexpr FileType kCr2{"a Canon raw picture (CR2)", FileKind::kCameraRaw, kDevelop};
constexpr FileType kNef{"a Nikon raw picture (NEF)", FileKind::kCameraRaw, kDevelop};
constexpr FileType kArw{"a Sony raw picture (ARW)", FileKind::kCameraRaw, kDevelop};
constexpr FileType kBmp{"a BMP picture", FileKind::kPicture, kSaveAsJpeg};
constexpr FileType kPnm{"a PNM picture", FileKind::kPicture, kSaveAsJpeg};
constexpr FileType kZip{"a ZIP archive", FileKind::kArchive, kUnpack};
constexpr FileType kOffice{"an Office or OpenDocument file", FileKind::kDocument};
constexpr FileType kTorch{"a PyTorch checkpoint", FileKind::kModel};
constexpr FileType kSafetensors{"a safetensors file", FileKind::kModel};
constexpr FileType kLfsPointer{"a Git LFS pointer, not the file that it stands for",
                               FileKind::kText, "fetch the file with: git lfs pull"};
constexpr FileType kHtml{"a web page (HTML)", FileKind::kText,
                         "download the file itself; a link to a page was saved"};
constexpr FileType kSvg{"an SVG drawing", FileKind::kDocument, "export it as PNG"};
constexpr FileType kXml{"an XML text", FileKind::kText, "download the file itself"};
constexpr FileType kJson{"a JSON text", FileKind::kText, "download the file itself"};
constexpr FileType kBase64{"a picture in base64", FileKind::kText, "decode it first"};
constexpr FileType kText{"a text", FileKind::kText};
constexpr FileType kZeros{"a file of zeros", FileKind::kOther,
                          "the copy did not finish; copy the file again"};

bool Has(std::string_view bytes, size_t at, std::string_view what) {
  return bytes.size() >= at + what.size() && bytes.substr(at, what.size()) == what;
}

uint32_t BigEndian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// ISO base media: the brands of the box "ftyp".
const FileType* ByBrand(std::string_view bytes) {
  if (!Has(bytes, 4, "ftyp") || bytes.size() < 12) return nullptr;
  const size_t end = std::min<size_t>(bytes.size(), std::max(BigEndian(bytes, 0), 12U));
  bool heif = false;
  for (size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {
    const std::string_view brand = bytes.substr(at, 4);
    if (brand == "avif" || brand == "avis") return &kAvif;
    if (brand == "crx ") return &kCr3;
    heif = heif || brand == "mif1" || brand == "msf1" || brand == "miaf";
    for (const auto heic : {"heic", "heix", "heim", "heis", "hevc", "hevx"}) {
      if (brand == heic) return &kHeic;
    }
  }
  return heif ? &kHeif : &kVideo;
}

/// TIFF and the raw formats built on it, which the first directory tells apart.
const FileType* ByTiff(std::string_view bytes) {
  const bool little = Has(bytes, 0, "II*\0"sv) || Has(bytes, 0, "II+\0"sv);
  if (!little && !Has(bytes, 0, "MM\0*"sv) && !Has(bytes, 0, "MM\0+"sv)) return nullptr;
  if (Has(bytes, 8, "CR\x02"sv)) return &kCr2;
  const auto number = [&](size_t at, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size && at + size <= bytes.size(); ++i) {
      value = value << 8 | static_cast<unsigned char>(bytes[at + (little ? size - 1 - i : i)]);
    }
    return value;
  };
  const uint64_t directory = number(4, 4);
  const uint64_t entries = directory + 2 <= bytes.size() ? number(directory, 2) : 0;
  bool has_sub_directories = false;
  std::string_view make;
  for (uint64_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + 12 * i;
    if (entry + 12 > bytes.size()) break;
    const uint64_t tag = number(entry, 2);
    if (tag == 0xc612) return &kDng;
    if (tag == 0x014a) has_sub_directories = true;
    if (tag == 0x010f && number(entry + 8, 4) < bytes.size()) {
      make = bytes.substr(number(entry + 8, 4), 5);
    }
  }
  if (has_sub_directories && make == "NIKON") return &kNef;
  if (has_sub_directories && make.starts_with("SONY")) return &kArw;
  return &kTiff;
}

const FileType* ByZip(std::string_view bytes) {
  if (!Has(bytes, 0, "PK\x03\x04"sv) && !Has(bytes, 0, "PK\x05\x06"sv)) return nullptr;
  if (Has(bytes, 30, "mimetypeapplication/vnd.oasis") || Has(bytes, 30, "[Content_Types].xml")) {
    return &kOffice;
  }
  return bytes.substr(0, 256).find("data.pkl") != std::string_view::npos ? &kTorch : &kZip;
}

bool IsTextByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 ? byte != 0x7f : c == '\n' || c == '\r' || c == '\t' || c == '\f';
}

const FileType* ByText(std::string_view bytes) {
  if (Has(bytes, 0, "\xef\xbb\xbf")) bytes.remove_prefix(3);
  const size_t start = bytes.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return bytes.empty() ? nullptr : &kText;
  std::string text(bytes.substr(start));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto contains = [&](std::string_view what) { return text.find(what) != std::string::npos; };
  if (text.starts_with("version https://git-lfs")) return &kLfsPointer;
  if (text.starts_with("<")) {
    if (contains("<svg")) return &kSvg;
    if (contains("<html") || contains("<!doctype html") || contains("<head") || contains("<body") ||
        contains("<script")) {
      return &kHtml;
    }
    if (text.starts_with("<?xml")) return &kXml;
  }
  if (text.starts_with("data:image/") || text.starts_with("ivborw0kggo") ||
      text.starts_with("/9j/4")) {
    return &kBase64;
  }
  if (!std::all_of(text.begin(), text.end(), IsTextByte)) return nullptr;
  return text.starts_with("{") || text.starts_with("[{") ? &kJson : &kText;
}

}  // namespace

const FileType* FindFileType(std::string_view bytes) {
  bytes = bytes.substr(0, kSignatureBytes);
  // The first box of a file with brands may have a length that is another type's signature.
  if (const FileType* type = ByBrand(bytes)) return type;
  if (Has(bytes, 8, "{\"") && BigEndian(bytes, 4) == 0) return &kSafetensors;
  for (const Signature& signature : kSignatures) {
    const bool riff = signature.at == 8;
    if (riff && !Has(bytes, 0, "RIFF")) continue;
    if (Has(bytes, signature.at, signature.bytes)) return &signature.type;
  }
  for (const auto by : {ByTiff, ByZip}) {
    if (const FileType* type = by(bytes)) return type;
  }
  // Two bytes alone would match too many texts.
  if (Has(bytes, 0, "BM") && Has(bytes, 6, "\0\0\0\0"sv)) return &kBmp;
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
      (bytes[2] == '\n' || bytes[2] == ' ' || bytes[2] == '\r')) {
    return &kPnm;
  }
  if (bytes.size() >= 16 && bytes.find_first_not_of('\0') == std::string_view::npos) return &kZeros;
  return ByText(bytes);
}

}  // namespace vico
