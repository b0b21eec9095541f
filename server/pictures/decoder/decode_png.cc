// Decodes PNG with libpng, under limits. The colour chunks do not reach libpng.
#include <csetjmp>
#include <cstring>
#include <optional>
#include <vector>

#include <png.h>

#include "server/pictures/decoder/canvas.h"
#include "server/pictures/decoder/colour.h"

namespace vico::server {
namespace {

constexpr png_alloc_size_t kMaxChunk = png_alloc_size_t{1} << 20;  // bytes; IDAT is not limited

/// Owns the objects that must survive a longjmp.
struct PngReader {
  explicit PngReader(std::string_view file);
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  std::string_view left;
  png_structp png = nullptr;
  png_infop info = nullptr;
  bool warned = false;
  bool ended = false;    // the file, before the picture
  bool started = false;  // the first row
  uint32_t y = 0;        // the row that is being read
  uint32_t pass = 0;     // of an interlaced picture: 1, 2, …
  Samples samples = Samples::kBgr;
  bool deep = false;
  std::optional<ColourConverter> colours;
  std::vector<uint16_t> rows;  // one row, or all rows of an interlaced picture
  std::vector<uint8_t> bgr;
};

// Called by libpng on an error. There is no C++ frame between this and the setjmp of DecodePng.
[[noreturn]] void OnError(png_structp png, png_const_charp) { png_longjmp(png, 1); }

// libpng warns of what does not change the pixels, and calls OnError for what does.
void OnWarning(png_structp png, png_const_charp) {
  static_cast<PngReader*>(png_get_error_ptr(png))->warned = true;
}

void OnRead(png_structp png, png_bytep out, size_t size) {
  auto& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (size > reader.left.size()) {
    reader.ended = true;
    png_longjmp(png, 1);
  }
  std::memcpy(out, reader.left.data(), size);
  reader.left.remove_prefix(size);
}

PngReader::PngReader(std::string_view file) : left(file) {
  png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, OnError, OnWarning);
  if (png != nullptr) info = png_create_info_struct(png);
}

/// Requests grey, BGR or BGRA, of 8 or 16 bits.
void ChooseForm(PngReader& reader) {
  const int type = png_get_color_type(reader.png, reader.info);
  const int depth = png_get_bit_depth(reader.png, reader.info);
  const bool coloured = (type & PNG_COLOR_MASK_COLOR) != 0;
  const bool alpha = (type & PNG_COLOR_MASK_ALPHA) != 0 ||
                     png_get_valid(reader.png, reader.info, PNG_INFO_tRNS) != 0;
  reader.deep = depth == 16;
  reader.samples = alpha      ? coloured ? Samples::kBgra : Samples::kGreyAsBgra
                   : coloured ? Samples::kBgr
                              : Samples::kGrey;
  png_set_swap(reader.png);  // to little-endian, the host's order
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(reader.png);
  if (alpha) png_set_tRNS_to_alpha(reader.png);
  if (!coloured && depth < 8) png_set_expand_gray_1_2_4_to_8(reader.png);
  if (coloured) png_set_bgr(reader.png);
  if (!coloured && alpha) png_set_gray_to_rgb(reader.png);
}

/// `passes` is 7 for an interlaced picture, whose rows are complete after the last pass.
void ReadRows(PngReader& reader, int passes, Canvas& canvas) {
  const size_t row = png_get_rowbytes(reader.png, reader.info) / 2 + 1;  // in 16-bit units
  reader.rows.resize(passes == 1 ? row : row * canvas.height());
  reader.bgr.resize(size_t{canvas.width()} * 3);
  reader.started = true;
  for (int pass = 0; pass < passes; ++pass) {
    if (passes > 1) reader.pass = static_cast<uint32_t>(pass + 1);
    for (reader.y = 0; reader.y < canvas.height(); ++reader.y) {
      uint16_t* const to = reader.rows.data() + (passes == 1 ? 0 : reader.y * row);
      png_read_row(reader.png, reinterpret_cast<png_bytep>(to), nullptr);
      if (pass < passes - 1) continue;
      reader.colours->Convert(to, canvas.width(), reader.bgr.data());
      canvas.PutRow(reader.y, reader.bgr.data());
    }
  }
}

void NoteDamage(const PngReader& reader, DecodeNotes& notes) {
  notes.row = reader.y;
  notes.scan = reader.pass;
  notes.damage = reader.ended     ? Damage::kEndsEarly
                 : reader.started ? Damage::kWrongCode
                                  : Damage::kBadHeader;
}

}  // namespace

DecodeOutcome DecodePng(const DecodeJob& job, Canvas& canvas) {
  PngReader reader(job.file);
  if (reader.info == nullptr) return DecodeOutcome::kOutOfMemory;
  if (setjmp(png_jmpbuf(reader.png)) != 0) {
    NoteDamage(reader, canvas.notes());
    return DecodeOutcome::kDamaged;
  }
  png_set_read_fn(reader.png, &reader, OnRead);
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
  if (png_get_channels(reader.png, reader.info) != SamplesOfPixel(reader.samples)) {
    return DecodeOutcome::kDamaged;
  }
  reader.colours.emplace(job, reader.samples, reader.deep, canvas.notes());
  ReadRows(reader, passes, canvas);
  png_read_end(reader.png, nullptr);
  if (reader.warned) canvas.notes().warnings |= kOddPng;
  return DecodeOutcome::kDecoded;
}

}  // namespace vico::server
