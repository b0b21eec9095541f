#include "client/pixels/pixels.h"

#include <fmt/format.h>
#include <png.h>

namespace vico::client {
namespace {

constexpr std::uint64_t kMostPixels = std::uint64_t{1} << 26;

/// libpng's simplified interface, which reports errors in the object.
struct Image {
  Image() { png.version = PNG_IMAGE_VERSION; }
  ~Image() { png_image_free(&png); }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  png_image png{};
};

}  // namespace

absl::StatusOr<Pixels> DecodePng(std::string_view png) {
  Image image;
  if (png_image_begin_read_from_memory(&image.png, png.data(), png.size()) == 0) {
    return absl::InvalidArgumentError(fmt::format("not a PNG: {}", image.png.message));
  }
  if (std::uint64_t{image.png.width} * image.png.height > kMostPixels) {
    return absl::InvalidArgumentError(
        fmt::format("too large: {} x {} pixels", image.png.width, image.png.height));
  }
  image.png.format = PNG_FORMAT_RGB;
  Pixels pixels;
  pixels.width = static_cast<int>(image.png.width);
  pixels.height = static_cast<int>(image.png.height);
  pixels.rgb.resize(PNG_IMAGE_SIZE(image.png));
  const png_color white{255, 255, 255};
  if (png_image_finish_read(&image.png, &white, pixels.rgb.data(), 0, nullptr) == 0) {
    return absl::InvalidArgumentError(fmt::format("a damaged PNG: {}", image.png.message));
  }
  return pixels;
}

absl::StatusOr<std::string> EncodePng(const Pixels& pixels) {
  Image image;
  image.png.width = static_cast<png_uint_32>(pixels.width);
  image.png.height = static_cast<png_uint_32>(pixels.height);
  image.png.format = PNG_FORMAT_RGB;
  std::string png(PNG_IMAGE_PNG_SIZE_MAX(image.png), '\0');
  png_alloc_size_t size = png.size();
  if (png_image_write_to_memory(&image.png, png.data(), &size, 0, pixels.rgb.data(), 0, nullptr) ==
      0) {
    return absl::InternalError(fmt::format("cannot encode a PNG: {}", image.png.message));
  }
  png.resize(size);
  return png;
}

}  // namespace vico::client
