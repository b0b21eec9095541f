#include "server/pictures/png.h"

#include <csetjmp>
#include <utility>

#include <png.h>

namespace vico::server {
namespace {

constexpr int kCompressionLevel = 3;  // of zlib's 9: a few per cent more bytes, a third of the time

// libpng's way out of an error; leaves no C++ frame between here and EncodePng's setjmp.
[[noreturn]] void OnError(png_structp png, png_const_charp) { png_longjmp(png, 1); }
void OnWarning(png_structp, png_const_charp) {}

void OnWrite(png_structp png, png_bytep bytes, size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))
      ->append(reinterpret_cast<const char*>(bytes), size);
}

/// Owns all that must outlive a long jump.
struct Writer {
  Writer() : png(png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, OnError, OnWarning)) {
    if (png != nullptr) info = png_create_info_struct(png);
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  png_structp png;
  png_infop info = nullptr;
  std::string file;
};

}  // namespace

absl::StatusOr<std::string> EncodePng(const Pixels& pixels) {
  Writer writer;
  if (writer.info == nullptr || setjmp(png_jmpbuf(writer.png)) != 0) {
    return absl::ResourceExhaustedError("a decoded picture could not be encoded as PNG");
  }
  png_set_write_fn(writer.png, &writer.file, OnWrite, nullptr);
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(pixels.width),
               static_cast<png_uint_32>(pixels.height), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(writer.png, kCompressionLevel);
  png_write_info(writer.png, writer.info);
  png_set_bgr(writer.png);
  const size_t row_bytes = size_t{3} * static_cast<size_t>(pixels.width);
  for (int y = 0; y < pixels.height; ++y) {
    png_write_row(writer.png, pixels.bgr.data() + row_bytes * static_cast<size_t>(y));
  }
  png_write_end(writer.png, writer.info);
  return std::move(writer.file);
}

absl::StatusOr<Pixels> DecodeOwnPng(std::string_view png) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  Pixels pixels;
  if (png_image_begin_read_from_memory(&image, png.data(), png.size()) != 0) {
    image.format = PNG_FORMAT_BGR;
    pixels.width = static_cast<int>(image.width);
    pixels.height = static_cast<int>(image.height);
    pixels.bgr.resize(PNG_IMAGE_SIZE(image));
    png_image_finish_read(&image, nullptr, pixels.bgr.data(), 0, nullptr);
  }
  const bool whole = PNG_IMAGE_FAILED(image) == 0 && !pixels.bgr.empty();
  png_image_free(&image);
  if (!whole) return absl::DataLossError("a stored picture does not decode");
  return pixels;
}

}  // namespace vico::server
