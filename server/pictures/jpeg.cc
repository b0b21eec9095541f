#include "server/pictures/jpeg.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr int kJpegQuality = 85;

struct JpegErrors {
  jpeg_error_mgr manager;
  jmp_buf jump;
};

// Called by libjpeg on an error. There is no C++ frame between this and the setjmp of EncodeJpeg.
[[noreturn]] void OnJpegError(j_common_ptr common) {
  longjmp(reinterpret_cast<JpegErrors*>(common->err)->jump, 1);
}
void OnJpegMessage(j_common_ptr) {}

/// Owns the objects that must survive a longjmp.
struct JpegWriter {
  JpegWriter() {
    compressor.err = jpeg_std_error(&errors.manager);
    errors.manager.error_exit = OnJpegError;
    errors.manager.output_message = OnJpegMessage;
  }
  ~JpegWriter() {
    jpeg_destroy_compress(&compressor);
    std::free(file);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  JpegErrors errors{};
  jpeg_compress_struct compressor{};
  unsigned char* file = nullptr;
  unsigned long size = 0;
};

}  // namespace

absl::StatusOr<std::string> EncodeJpeg(const Pixels& pixels) {
  JpegWriter writer;
  if (setjmp(writer.errors.jump) != 0) {
    return WithRetryAfter(Error(absl::StatusCode::kResourceExhausted,
                                "a picture could not be encoded as JPEG", "OUT_OF_MEMORY"),
                          absl::Seconds(5));
  }
  jpeg_compress_struct& jpeg = writer.compressor;
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, &writer.file, &writer.size);
  jpeg.image_width = static_cast<JDIMENSION>(pixels.width);
  jpeg.image_height = static_cast<JDIMENSION>(pixels.height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_EXT_BGR;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, kJpegQuality, TRUE);
  jpeg.optimize_coding = TRUE;
  jpeg_start_compress(&jpeg, TRUE);
  const size_t row_bytes = size_t{3} * static_cast<size_t>(pixels.width);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(pixels.bgr.data()) + row_bytes * jpeg.next_scanline;
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  return std::string(reinterpret_cast<const char*>(writer.file), writer.size);
}

}  // namespace vico::server
