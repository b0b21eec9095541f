// Decodes JPEG with libjpeg-turbo. A warning that concerns pixels is an error.
#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <vector>

#include <jerror.h>
#include <jpeglib.h>

#include "server/pictures/decoder/canvas.h"
#include "server/pictures/decoder/colour.h"

namespace vico::server {
namespace {

/// The state that libjpeg passes to the functions below; libjpeg's own part comes first.
struct Errors {
  jpeg_error_mgr manager;
  jmp_buf back;
  uint32_t warnings = 0;  // bits of DecodeWarning
};

// Called by libjpeg on an error. There is no C++ frame between this and the setjmp of DecodeJpeg.
[[noreturn]] void OnError(j_common_ptr jpeg) {
  longjmp(reinterpret_cast<Errors*>(jpeg->err)->back, 1);
}

void OnMessage(j_common_ptr jpeg, int level) {
  constexpr int kWarning = -1;
  if (level != kWarning) return;
  auto& errors = *reinterpret_cast<Errors*>(jpeg->err);
  switch (errors.manager.msg_code) {
    case JWRN_JFIF_MAJOR:
    // Some phones write a range of coefficients in the scan header that libjpeg does not use.
    case JWRN_NOT_SEQUENTIAL:
      break;
    case JWRN_EXTRANEOUS_DATA:
      errors.warnings |= kStrayBytes;
      break;
    case JWRN_ADOBE_XFORM:
      errors.warnings |= kOddColourMark;
      break;
    case JWRN_BOGUS_PROGRESSION:
      errors.warnings |= kOddProgression;
      break;
    default:
      OnError(jpeg);
  }
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
  bool started = false;  // decoding
  bool multiple_scans = false;
  std::optional<ColourConverter> colours;
  std::vector<uint8_t> row;
  std::vector<uint8_t> bgr;
};

Damage DamageOf(const JpegReader& reader) {
  switch (reader.errors.manager.msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_JPEG_EOF:
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY:
      return Damage::kEndsEarly;
    case JWRN_HUFF_BAD_CODE:
      return Damage::kWrongCode;
    case JWRN_MUST_RESYNC: {
      const int found = reader.errors.manager.msg_parm.i[0];
      return found == JPEG_EOI ? Damage::kEndsEarly : Damage::kRestart;
    }
    case JERR_NO_HUFF_TABLE:
    case JERR_NO_QUANT_TABLE:
      return Damage::kNoTable;
    default:
      return reader.started ? Damage::kUnknown : Damage::kBadHeader;
  }
}

void NoteDamage(const JpegReader& reader, DecodeNotes& notes) {
  const jpeg_decompress_struct& jpeg = reader.jpeg;
  notes.damage = DamageOf(reader);
  if (!reader.started) return;
  notes.row = std::min(
      jpeg.input_iMCU_row * static_cast<uint32_t>(jpeg.max_v_samp_factor) * uint32_t{DCTSIZE},
      jpeg.image_height);
  if (reader.multiple_scans) notes.scan = static_cast<uint32_t>(jpeg.input_scan_number);
}

/// Whether the scans of a progressive picture leave bits of a coefficient out.
bool IsCoarse(const jpeg_decompress_struct& jpeg) {
  if (jpeg.coef_bits == nullptr) return false;
  for (int component = 0; component < jpeg.num_components; ++component) {
    const int* const missing_bits = jpeg.coef_bits[component];
    if (std::any_of(missing_bits, missing_bits + DCTSIZE2, [](int bits) { return bits != 0; })) {
      return true;
    }
  }
  return false;
}

/// False for a number of channels that no accepted picture has.
bool ChooseColours(JpegReader& reader, const DecodeJob& job, Canvas& canvas) {
  jpeg_decompress_struct& jpeg = reader.jpeg;
  Samples samples{};
  switch (jpeg.num_components) {
    case 1:
      samples = Samples::kGrey;
      jpeg.out_color_space = JCS_GRAYSCALE;
      break;
    case 3:
      samples = Samples::kBgr;
      jpeg.out_color_space = JCS_EXT_BGR;
      break;
    case 4:
      samples = Samples::kInvertedCmyk;
      jpeg.out_color_space = JCS_CMYK;
      break;
    default:
      return false;
  }
  reader.colours.emplace(job, samples, false, canvas.notes());
  reader.row.resize(size_t{canvas.width()} * static_cast<size_t>(jpeg.num_components));
  reader.bgr.resize(size_t{canvas.width()} * 3);
  return true;
}

void ReadRows(JpegReader& reader, Canvas& canvas) {
  jpeg_decompress_struct& jpeg = reader.jpeg;
  JSAMPROW row = reader.row.data();
  while (jpeg.output_scanline < jpeg.output_height) {
    const uint32_t y = jpeg.output_scanline;
    jpeg_read_scanlines(&jpeg, &row, 1);
    reader.colours->Convert(row, canvas.width(), reader.bgr.data());
    canvas.PutRow(y, reader.bgr.data());
  }
}

}  // namespace

DecodeOutcome DecodeJpeg(const DecodeJob& job, Canvas& canvas) {
  JpegReader reader;
  jpeg_decompress_struct& jpeg = reader.jpeg;
  if (setjmp(reader.errors.back) != 0) {
    if (reader.errors.manager.msg_code == JERR_OUT_OF_MEMORY) return DecodeOutcome::kOutOfMemory;
    NoteDamage(reader, canvas.notes());
    return DecodeOutcome::kDamaged;
  }
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(job.file.data()), job.file.size());
  jpeg_read_header(&jpeg, TRUE);
  if (jpeg.image_width != job.width || jpeg.image_height != job.height) {
    return DecodeOutcome::kOtherSize;
  }
  if (!ChooseColours(reader, job, canvas)) return DecodeOutcome::kDamaged;
  jpeg.scale_num = 1;
  jpeg.scale_denom = job.shrink;
  reader.multiple_scans = jpeg_has_multiple_scans(&jpeg) != 0;
  reader.started = true;
  jpeg_start_decompress(&jpeg);
  if (jpeg.output_width != canvas.width() || jpeg.output_height != canvas.height()) {
    return DecodeOutcome::kOtherSize;
  }
  ReadRows(reader, canvas);
  const bool coarse = IsCoarse(jpeg);
  jpeg_finish_decompress(&jpeg);
  canvas.notes().warnings |= reader.errors.warnings | (coarse ? uint32_t{kCoarse} : 0);
  canvas.notes().scan = static_cast<uint32_t>(jpeg.input_scan_number);
  return DecodeOutcome::kDecoded;
}

}  // namespace vico::server
