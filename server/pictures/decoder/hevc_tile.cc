// Decodes HEVC with libde265, which makes no thread unless it is asked to. Source of hvcC: ISO/IEC
// 14496-15, 8.3.3.
#include <libde265/de265.h>

#include "server/pictures/decoder/planes.h"

namespace vico::server {
namespace {

/// Owns the decoder.
struct Hevc {
  Hevc() : context(de265_new_decoder()) {}
  ~Hevc() {
    if (context != nullptr) de265_free_decoder(context);
  }
  Hevc(const Hevc&) = delete;
  Hevc& operator=(const Hevc&) = delete;

  de265_decoder_context* context;
};

/// Takes a unit with its length in front.
bool TakeUnit(std::string_view& bytes, size_t length_size, std::string_view& unit) {
  if (bytes.size() < length_size) return false;
  size_t length = 0;
  for (size_t i = 0; i < length_size; ++i) {
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  }
  bytes.remove_prefix(length_size);
  if (length > bytes.size()) return false;
  unit = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return true;
}

bool Push(const Hevc& hevc, std::string_view unit) {
  if (unit.size() < 2) return false;
  return de265_push_NAL(hevc.context, unit.data(), static_cast<int>(unit.size()), 0, nullptr) ==
         DE265_OK;
}

/// Pushes the parameter sets. Zero when they are malformed, else the size of lengths in tiles.
size_t PushConfig(const Hevc& hevc, std::string_view config) {
  constexpr size_t kHeader = 23;
  if (config.size() < kHeader) return 0;
  const size_t length_size = size_t{static_cast<unsigned char>(config[21])} % 4 + 1;
  int arrays = static_cast<unsigned char>(config[22]);
  config.remove_prefix(kHeader);
  for (; arrays > 0; --arrays) {
    if (config.size() < 3) return 0;
    int units = static_cast<unsigned char>(config[1]) << 8 | static_cast<unsigned char>(config[2]);
    config.remove_prefix(3);
    for (; units > 0; --units) {
      std::string_view unit;
      if (!TakeUnit(config, 2, unit) || !Push(hevc, unit)) return 0;
    }
  }
  return length_size;
}

bool Fill(const de265_image* image, Planes& planes) {
  const de265_chroma chroma = de265_get_chroma_format(image);
  planes.width = static_cast<uint32_t>(de265_get_image_width(image, 0));
  planes.height = static_cast<uint32_t>(de265_get_image_height(image, 0));
  planes.bits = de265_get_bits_per_pixel(image, 0);
  planes.grey = chroma == de265_chroma_mono;
  planes.chroma_right = chroma == de265_chroma_420 || chroma == de265_chroma_422 ? 1 : 0;
  planes.chroma_down = chroma == de265_chroma_420 ? 1 : 0;
  planes.matrix = static_cast<uint32_t>(de265_get_image_matrix_coefficients(image));
  planes.full_range = de265_get_image_full_range_flag(image) != 0;
  for (int c = 0; c < (planes.grey ? 1 : 3); ++c) {
    int stride = 0;
    planes.plane[c] = de265_get_image_plane(image, c, &stride);
    planes.stride[c] = stride;
    if (planes.plane[c] == nullptr || de265_get_bits_per_pixel(image, c) != planes.bits) {
      return false;
    }
  }
  return true;
}

}  // namespace

DecodeOutcome DecodeHevcTile(std::string_view config, std::string_view tile, uint64_t max_pixels,
                             PlanesSink& sink) {
  const Hevc hevc;
  if (hevc.context == nullptr) return DecodeOutcome::kOutOfMemory;
  const size_t length_size = PushConfig(hevc, config);
  if (length_size == 0) return DecodeOutcome::kDamaged;
  while (!tile.empty()) {
    std::string_view unit;
    if (!TakeUnit(tile, length_size, unit) || !Push(hevc, unit)) return DecodeOutcome::kDamaged;
  }
  if (de265_flush_data(hevc.context) != DE265_OK) return DecodeOutcome::kDamaged;
  int more = 1;
  while (more != 0) {
    const de265_error error = de265_decode(hevc.context, &more);
    if (error == DE265_ERROR_OUT_OF_MEMORY) return DecodeOutcome::kOutOfMemory;
    const de265_image* const image = de265_get_next_picture(hevc.context);
    if (image != nullptr) {
      Planes planes;
      const bool good = Fill(image, planes) &&
                        uint64_t{planes.width} * planes.height <= max_pixels && sink.Put(planes);
      de265_release_next_picture(hevc.context);
      return good ? DecodeOutcome::kDecoded : DecodeOutcome::kDamaged;
    }
    if (error != DE265_OK) break;
  }
  return DecodeOutcome::kDamaged;
}

}  // namespace vico::server
