#include "server/pictures/decoder/decode.h"

#include <ctime>
#include <new>

#include "server/pictures/decoder/canvas.h"
#include "server/pictures/decoder/planes.h"
#include "server/pictures/decoder/tiles.h"

namespace vico::server {

void PrepareToDecode() {
  // littlecms stamps each profile that it opens with the time, for which the C library reads the
  // time zone's file once.
  tzset();
  PrepareAv1();
}

DecodeOutcome DecodePicture(const DecodeJob& job, Pixels& pixels) {
  pixels.notes = {};
  try {
    Canvas canvas(job, pixels);
    if (job.file.starts_with('\xff')) return DecodeJpeg(job, canvas);
    if (job.file.starts_with("RIFF")) return DecodeWebp(job, canvas);
    if (job.file.starts_with(kTilesMagic)) return DecodeTiles(job, canvas);
    return DecodePng(job, canvas);
  } catch (const std::bad_alloc&) {
    return DecodeOutcome::kOutOfMemory;
  }
}

}  // namespace vico::server
