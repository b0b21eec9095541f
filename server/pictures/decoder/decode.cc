#include "server/pictures/decoder/decode.h"

#include <new>

#include "server/pictures/decoder/canvas.h"

namespace vico::server {

DecodeOutcome DecodePicture(const DecodeJob& job, Pixels& pixels) {
  try {
    Canvas canvas(job, pixels);
    return job.file.starts_with('\xff') ? DecodeJpeg(job.file, canvas)
                                        : DecodePng(job.file, canvas);
  } catch (const std::bad_alloc&) {
    return DecodeOutcome::kOutOfMemory;
  }
}

}  // namespace vico::server
