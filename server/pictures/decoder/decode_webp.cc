// Decodes WebP with libwebp, on one thread.
#include <cstddef>
#include <vector>

#include <webp/decode.h>

#include "server/pictures/decoder/canvas.h"
#include "server/pictures/decoder/colour.h"

namespace vico::server {
namespace {

DecodeOutcome OutcomeOf(VP8StatusCode status, DecodeNotes& notes) {
  switch (status) {
    case VP8_STATUS_OK:
      return DecodeOutcome::kDecoded;
    case VP8_STATUS_OUT_OF_MEMORY:
      return DecodeOutcome::kOutOfMemory;
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      notes.damage = Damage::kEndsEarly;
      return DecodeOutcome::kDamaged;
    default:
      notes.damage = Damage::kWrongCode;
      return DecodeOutcome::kDamaged;
  }
}

}  // namespace

DecodeOutcome DecodeWebp(const DecodeJob& job, Canvas& canvas) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(job.file.data());
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return DecodeOutcome::kDamaged;
  if (WebPGetFeatures(bytes, job.file.size(), &config.input) != VP8_STATUS_OK ||
      config.input.has_animation != 0) {
    canvas.notes().damage = Damage::kBadHeader;
    return DecodeOutcome::kDamaged;
  }
  if (config.input.width != static_cast<int>(canvas.width()) ||
      config.input.height != static_cast<int>(canvas.height())) {
    return DecodeOutcome::kOtherSize;
  }
  const bool alpha = config.input.has_alpha != 0;
  const size_t stride = size_t{canvas.width()} * (alpha ? 4 : 3);
  std::vector<uint8_t> picture(stride * canvas.height());
  config.output.colorspace = alpha ? MODE_BGRA : MODE_BGR;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {picture.data(), static_cast<int>(stride), picture.size()};
  ColourConverter colours(job, alpha ? Samples::kBgra : Samples::kBgr, false, canvas.notes());
  const DecodeOutcome outcome =
      OutcomeOf(WebPDecode(bytes, job.file.size(), &config), canvas.notes());
  if (outcome != DecodeOutcome::kDecoded) return outcome;
  std::vector<uint8_t> bgr(size_t{canvas.width()} * 3);
  for (uint32_t y = 0; y < canvas.height(); ++y) {
    colours.Convert(picture.data() + stride * y, canvas.width(), bgr.data());
    canvas.PutRow(y, bgr.data());
  }
  return DecodeOutcome::kDecoded;
}

}  // namespace vico::server
