// Decodes JPEG with libjpeg-turbo. Warnings count as errors.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <vector>

#include <jerror.h>
#include <jpeglib.h>

#include "server/pictures/decoder/canvas.h"

namespace vico::server {
namespace {

/// The state that libjpeg passes to the functions below; libjpeg's own part comes first.
struct Errors {
  jpeg_error_mgr manager;
  jmp_buf back;
};

// Called by libjpeg on an error. There is no C++ frame between this and the setjmp of DecodeJpeg.
[[noreturn]] void OnError(j_common_ptr jpeg) {
  longjmp(reinterpret_cast<Errors*>(jpeg->err)->back, 1);
}
void OnMessage(j_common_ptr jpeg, int level) {
  constexpr int kWarning = -1;
  if (level == kWarning) OnError(jpeg);
}

/// Owns the objects that must survive a longjmp.
struct JpegReader {
  JpegReader() {
    jpeg.err = jpeg_std_error(&errors.manager);
    errors.manager.error_exit = OnError;
    errors.manager.emit_message = OnMessage;
  }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  Errors errors{};
  jpeg_decompress_struct jpeg{};
  std::vector<uint8_t> row;
};

void ReadRows(JpegReader& reader, Canvas& canvas) {
  jpeg_decompress_struct& jpeg = reader.jpeg;
  const int channels = jpeg.output_components;
  reader.row.resize(size_t{jpeg.output_width} * static_cast<size_t>(channels));
  JSAMPROW row = reader.row.data();
  while (jpeg.output_scanline < jpeg.output_height) {
    const uint32_t y = jpeg.output_scanline;
    jpeg_read_scanlines(&jpeg, &row, 1);
    channels == 4 ? canvas.PutCmykRow(y, row) : canvas.PutRow(y, row, channels);
  }
}

}  // namespace

DecodeOutcome DecodeJpeg(std::string_view file, Canvas& canvas) {
  JpegReader reader;
  jpeg_decompress_struct& jpeg = reader.jpeg;
  if (setjmp(reader.errors.back) != 0) {
    return reader.errors.manager.msg_code == JERR_OUT_OF_MEMORY ? DecodeOutcome::kOutOfMemory
                                                                : DecodeOutcome::kDamaged;
  }
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&jpeg, TRUE);
  if (jpeg.image_width != canvas.width() || jpeg.image_height != canvas.height()) {
    return DecodeOutcome::kOtherSize;
  }
  switch (jpeg.num_components) {
    case 1:
      jpeg.out_color_space = JCS_GRAYSCALE;
      break;
    case 3:
      jpeg.out_color_space = JCS_EXT_BGR;
      break;
    case 4:
      jpeg.out_color_space = JCS_CMYK;
      break;
    default:
      return DecodeOutcome::kDamaged;
  }
  jpeg_start_decompress(&jpeg);
  ReadRows(reader, canvas);
  jpeg_finish_decompress(&jpeg);
  return DecodeOutcome::kDecoded;
}

}  // namespace vico::server
