// Decodes PNG with libpng, under limits. Warnings count as errors.
#include <csetjmp>
#include <cstring>
#include <vector>

#include <png.h>

#include "server/pictures/decoder/canvas.h"

namespace vico::server {
namespace {

constexpr png_alloc_size_t kMaxChunk = png_alloc_size_t{1} << 20;  // bytes; IDAT is not limited

// Called by libpng on an error. There is no C++ frame between this and the setjmp of DecodePng.
[[noreturn]] void OnError(png_structp png, png_const_charp) { png_longjmp(png, 1); }
void OnWarning(png_structp png, png_const_charp) { png_longjmp(png, 1); }

void OnRead(png_structp png, png_bytep out, size_t size) {
  auto& left = *static_cast<std::string_view*>(png_get_io_ptr(png));
  if (size > left.size()) png_longjmp(png, 1);
  std::memcpy(out, left.data(), size);
  left.remove_prefix(size);
}

/// Owns the objects that must survive a longjmp.
struct PngReader {
  explicit PngReader(std::string_view file) : left(file) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, OnError, OnWarning);
    if (png != nullptr) info = png_create_info_struct(png);
  }
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  std::string_view left;
  png_structp png = nullptr;
  png_infop info = nullptr;
  int channels = 3;
  bool deep = false;
  std::vector<uint16_t> rows;  // one row, or all rows of an interlaced picture
};

/// Requests grey, BGR or BGRA, of 8 or 16 bits. Grey keeps no transparent colour.
void ChooseForm(PngReader& reader) {
  const int type = png_get_color_type(reader.png, reader.info);
  const int depth = png_get_bit_depth(reader.png, reader.info);
  const bool coloured = (type & PNG_COLOR_MASK_COLOR) != 0;
  const bool alpha = (type & PNG_COLOR_MASK_ALPHA) != 0 ||
                     (coloured && png_get_valid(reader.png, reader.info, PNG_INFO_tRNS) != 0);
  reader.deep = depth == 16;
  reader.channels = alpha ? 4 : coloured ? 3 : 1;
  png_set_swap(reader.png);  // to little-endian, the host's order
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(reader.png);
  if (alpha) {
    png_set_tRNS_to_alpha(reader.png);
  } else {
    png_set_strip_alpha(reader.png);
  }
  if (!coloured && depth < 8) png_set_expand_gray_1_2_4_to_8(reader.png);
  if (coloured) png_set_bgr(reader.png);
  if (!coloured && alpha) png_set_gray_to_rgb(reader.png);
}

void PutRow(const PngReader& reader, uint32_t y, const uint16_t* row, Canvas& canvas) {
  if (reader.deep) {
    canvas.PutDeepRow(y, row, reader.channels);
  } else {
    canvas.PutRow(y, reinterpret_cast<const uint8_t*>(row), reader.channels);
  }
}

/// `passes` is 7 for an interlaced picture, whose rows are complete after the last pass.
void ReadRows(PngReader& reader, int passes, Canvas& canvas) {
  const size_t row = png_get_rowbytes(reader.png, reader.info) / 2 + 1;  // in 16-bit units
  reader.rows.resize(passes == 1 ? row : row * canvas.height());
  for (int pass = 0; pass < passes; ++pass) {
    for (uint32_t y = 0; y < canvas.height(); ++y) {
      uint16_t* const to = reader.rows.data() + (passes == 1 ? 0 : y * row);
      png_read_row(reader.png, reinterpret_cast<png_bytep>(to), nullptr);
      if (pass == passes - 1) PutRow(reader, y, to, canvas);
    }
  }
}

}  // namespace

DecodeOutcome DecodePng(std::string_view file, Canvas& canvas) {
  PngReader reader(file);
  if (reader.info == nullptr) return DecodeOutcome::kOutOfMemory;
  if (setjmp(png_jmpbuf(reader.png)) != 0) return DecodeOutcome::kDamaged;
  png_set_read_fn(reader.png, &reader.left, OnRead);
  png_set_user_limits(reader.png, canvas.width(), canvas.height());
  png_set_chunk_malloc_max(reader.png, kMaxChunk);
  png_read_info(reader.png, reader.info);
  if (png_get_image_width(reader.png, reader.info) != canvas.width() ||
      png_get_image_height(reader.png, reader.info) != canvas.height()) {
    return DecodeOutcome::kOtherSize;
  }
  ChooseForm(reader);
  const int passes = png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  if (png_get_channels(reader.png, reader.info) != reader.channels) return DecodeOutcome::kDamaged;
  ReadRows(reader, passes, canvas);
  png_read_end(reader.png, nullptr);
  return DecodeOutcome::kDecoded;
}

}  // namespace vico::server
