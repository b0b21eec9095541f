#include "common/formats/png_text.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <utf8proc.h>

#include "common/formats/crc32.h"
#include "common/status.h"

namespace vico {
namespace {

using std::string_view_literals::operator""sv;

constexpr auto kSignature = "\x89PNG\r\n\x1a\n"sv;
constexpr size_t kAroundData = 12;  // length, type and checksum of a chunk
constexpr size_t kHeaderBytes = 13;
constexpr size_t kMaxChunkBytes = (size_t{1} << 31) - 1;
constexpr size_t kMaxKeyword = 79;
constexpr auto kNoLanguage = "\0\0\0\0"sv;  // not compressed, no language, no translated keyword

struct Chunk {
  std::string_view type;
  std::string_view data;
  std::string_view whole;
};

absl::Status Damaged(std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, fmt::format("the PNG {}", what), "DAMAGED_PNG");
}

uint32_t ReadBigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

void AppendBigEndian(uint32_t value, std::string& bytes) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
}

uint32_t ChecksumOf(std::string_view type_and_data) {
  return Crc32(std::as_bytes(std::span(type_and_data)));
}

absl::StatusOr<std::vector<Chunk>> ReadChunks(std::string_view png) {
  if (!png.starts_with(kSignature)) return Damaged("has no signature");
  png.remove_prefix(kSignature.size());
  std::vector<Chunk> chunks;
  while (!png.empty()) {
    if (png.size() < kAroundData) return Damaged("is cut");
    const size_t size = ReadBigEndian(png);
    if (size > png.size() - kAroundData)
      return Damaged("is cut, or the length of a chunk is wrong");
    const Chunk chunk{png.substr(4, 4), png.substr(8, size), png.substr(0, size + kAroundData)};
    if (ChecksumOf(png.substr(4, size + 4)) != ReadBigEndian(png.substr(size + 8))) {
      return Damaged("has a chunk with a wrong checksum");
    }
    if (chunks.empty() != (chunk.type == "IHDR") || (chunks.empty() && size != kHeaderBytes)) {
      return Damaged("does not begin with its header");
    }
    chunks.push_back(chunk);
    png.remove_prefix(chunk.whole.size());
    if (chunk.type == "IEND") break;
  }
  if (chunks.empty() || chunks.back().type != "IEND") return Damaged("is cut");
  if (!png.empty()) return Damaged("goes on after its end");
  return chunks;
}

/// Printable ASCII, no spaces at the ends, and no two in a row.
bool IsKeyword(std::string_view keyword) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  return !keyword.empty() && keyword.size() <= kMaxKeyword &&
         std::all_of(keyword.begin(), keyword.end(), printable) && keyword.front() != ' ' &&
         keyword.back() != ' ' && keyword.find("  ") == std::string_view::npos;
}

struct Encoded {
  bool utf8 = false;                  ///< the text is UTF-8 without U+0000
  std::optional<std::string> latin1;  ///< nullopt: Latin-1 lacks a character
};

Encoded Encode(std::string_view text) {
  Encoded encoded{.latin1 = std::string()};
  while (!text.empty()) {
    utf8proc_int32_t code = 0;
    const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &code);
    if (used < 1 || code == 0) return {};
    text.remove_prefix(static_cast<size_t>(used));
    if (code > 0xff) encoded.latin1.reset();
    if (encoded.latin1) *encoded.latin1 += static_cast<char>(code);
  }
  encoded.utf8 = true;
  return encoded;
}

std::string FromLatin1(std::string_view text) {
  std::string utf8;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xc0 | code >> 6);
      utf8 += static_cast<char>(0x80 | (code & 0x3f));
    }
  }
  return utf8;
}

absl::Status AppendText(const PngText& text, std::string& png) {
  if (!IsKeyword(text.keyword)) {
    return absl::InvalidArgumentError(
        "a keyword of a PNG's text must be 1..79 characters of ASCII");
  }
  const Encoded encoded = Encode(text.text);
  if (!encoded.utf8) return absl::InvalidArgumentError("a PNG's text must be UTF-8 without U+0000");
  std::string checked = encoded.latin1 ? "tEXt" : "iTXt";
  checked += text.keyword;
  checked += '\0';
  checked += encoded.latin1 ? *encoded.latin1 : std::string(kNoLanguage) + text.text;
  if (checked.size() - 4 > kMaxChunkBytes) {
    return absl::InvalidArgumentError("a PNG's text must have less than 2 GiB");
  }
  AppendBigEndian(static_cast<uint32_t>(checked.size() - 4), png);
  png += checked;
  AppendBigEndian(ChecksumOf(checked), png);
  return absl::OkStatus();
}

/// Takes the start of `rest` up to the next zero byte, which is left out. nullopt without one.
std::optional<std::string_view> TakeUntilZero(std::string_view& rest) {
  const size_t end = rest.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return taken;
}

/// The text of a chunk; nullopt if it is of another type or compressed.
absl::StatusOr<std::optional<PngText>> TextOf(const Chunk& chunk) {
  if (chunk.type != "tEXt" && chunk.type != "iTXt") return std::optional<PngText>();
  std::string_view rest = chunk.data;
  const auto keyword = TakeUntilZero(rest);
  if (!keyword) return Damaged("has a text without a keyword");
  PngText text{.keyword = FromLatin1(*keyword), .text = ""};
  if (chunk.type == "tEXt") {
    text.text = FromLatin1(rest);
    return std::optional(std::move(text));
  }
  if (rest.size() < 2) return Damaged("has a text that is cut");
  const bool compressed = rest[0] != 0;
  rest.remove_prefix(2);
  if (!TakeUntilZero(rest) || !TakeUntilZero(rest)) return Damaged("has a text that is cut");
  if (compressed) return std::optional<PngText>();
  if (!Encode(rest).utf8) return Damaged("has a text that is not UTF-8");
  text.text = rest;
  return std::optional(std::move(text));
}

bool HoldsText(const Chunk& chunk) {
  return chunk.type == "tEXt" || chunk.type == "zTXt" || chunk.type == "iTXt" ||
         chunk.type == "eXIf";
}

}  // namespace

absl::StatusOr<std::string> AddPngText(std::string_view png, std::span<const PngText> texts) {
  ASSIGN_OR_RETURN(const std::vector<Chunk> chunks, ReadChunks(png));
  const size_t behind_header = kSignature.size() + chunks.front().whole.size();
  std::string with_text(png.substr(0, behind_header));
  for (const PngText& text : texts) RETURN_IF_ERROR(AppendText(text, with_text));
  with_text += png.substr(behind_header);
  return with_text;
}

absl::StatusOr<std::vector<PngText>> ReadPngText(std::string_view png) {
  ASSIGN_OR_RETURN(const std::vector<Chunk> chunks, ReadChunks(png));
  std::vector<PngText> texts;
  for (const Chunk& chunk : chunks) {
    ASSIGN_OR_RETURN(std::optional<PngText> text, TextOf(chunk));
    if (text) texts.push_back(*std::move(text));
  }
  return texts;
}

absl::StatusOr<std::string> StripPngText(std::string_view png) {
  ASSIGN_OR_RETURN(const std::vector<Chunk> chunks, ReadChunks(png));
  std::string stripped(kSignature);
  for (const Chunk& chunk : chunks) {
    if (!HoldsText(chunk)) stripped += chunk.whole;
  }
  return stripped;
}

}  // namespace vico
