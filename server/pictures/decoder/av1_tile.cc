// Decodes AV1 with dav1d on this thread. Source of av1C: AV1 Codec ISO Media File Format
// Binding, 2.3.
#include <cerrno>
#include <cstring>
#include <string>

#include <dav1d/dav1d.h>

#include "server/pictures/decoder/planes.h"

namespace vico::server {
namespace {

/// Owns the decoder and what it gives.
struct Av1 {
  Av1() = default;
  ~Av1() {
    dav1d_picture_unref(&picture);
    dav1d_data_unref(&data);
    if (context != nullptr) dav1d_close(&context);
  }
  Av1(const Av1&) = delete;
  Av1& operator=(const Av1&) = delete;

  Dav1dContext* context = nullptr;
  Dav1dData data{};
  Dav1dPicture picture{};
};

bool Open(Av1& av1, uint64_t max_pixels) {
  Dav1dSettings settings;
  dav1d_default_settings(&settings);
  settings.n_threads = 1;
  settings.max_frame_delay = 1;
  settings.all_layers = 0;
  settings.frame_size_limit = static_cast<unsigned>(max_pixels);
  settings.logger = {nullptr, nullptr};
  return dav1d_open(&av1.context, &settings) == 0;
}

Planes PlanesOf(const Dav1dPicture& picture) {
  Planes planes;
  planes.width = static_cast<uint32_t>(picture.p.w);
  planes.height = static_cast<uint32_t>(picture.p.h);
  planes.bits = picture.p.bpc;
  planes.grey = picture.p.layout == DAV1D_PIXEL_LAYOUT_I400;
  planes.chroma_right = picture.p.layout == DAV1D_PIXEL_LAYOUT_I444 ? 0 : 1;
  planes.chroma_down = picture.p.layout == DAV1D_PIXEL_LAYOUT_I420 ? 1 : 0;
  planes.matrix = static_cast<uint32_t>(picture.seq_hdr->mtrx);
  planes.full_range = picture.seq_hdr->color_range != 0;
  for (int c = 0; c < 3; ++c) {
    planes.plane[c] = static_cast<const uint8_t*>(picture.data[c]);
    planes.stride[c] = picture.stride[c == 0 ? 0 : 1];
  }
  return planes;
}

}  // namespace

void PrepareAv1() {
  Av1 av1;
  Open(av1, 1);
}

DecodeOutcome DecodeAv1Tile(std::string_view config, std::string_view tile, uint64_t max_pixels,
                            PlanesSink& sink) {
  constexpr size_t kConfigHeader = 4;
  if (config.size() < kConfigHeader || tile.empty()) return DecodeOutcome::kDamaged;
  Av1 av1;
  if (!Open(av1, max_pixels)) return DecodeOutcome::kOutOfMemory;
  const std::string bytes = std::string(config.substr(kConfigHeader)) + std::string(tile);
  uint8_t* const to = dav1d_data_create(&av1.data, bytes.size());
  if (to == nullptr) return DecodeOutcome::kOutOfMemory;
  std::memcpy(to, bytes.data(), bytes.size());
  int got = DAV1D_ERR(EAGAIN);
  while (got == DAV1D_ERR(EAGAIN)) {
    if (av1.data.sz > 0) {
      const int sent = dav1d_send_data(av1.context, &av1.data);
      if (sent < 0 && sent != DAV1D_ERR(EAGAIN)) {
        got = sent;
        break;
      }
    }
    got = dav1d_get_picture(av1.context, &av1.picture);
    if (av1.data.sz == 0 && got == DAV1D_ERR(EAGAIN)) {
      got = dav1d_get_picture(av1.context, &av1.picture);  // drains
      break;
    }
  }
  if (got == DAV1D_ERR(ENOMEM)) return DecodeOutcome::kOutOfMemory;
  if (got != 0 || !sink.Put(PlanesOf(av1.picture))) return DecodeOutcome::kDamaged;
  return DecodeOutcome::kDecoded;
}

}  // namespace vico::server
