// JPEG files, through the header scan and the decoder.
#include <cstdio>

#include <jpeglib.h>

#include "tests/fuzz/picture.h"
#include "tests/server/pictures/png_files.h"

namespace vico::fuzz {
namespace {

struct Kind {
  int channels = 3;
  bool progressive = false;
  unsigned restart_rows = 0;
  bool subsampled = true;
};

/// A picture of 40 x 24 pixels; four channels are CMYK as Adobe's programs write it.
std::string Encoded(const Kind& kind) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = 40;
  jpeg.image_height = 24;
  jpeg.input_components = kind.channels;
  jpeg.in_color_space = kind.channels == 1   ? JCS_GRAYSCALE
                        : kind.channels == 3 ? JCS_RGB
                                             : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg.write_Adobe_marker = kind.channels == 4 ? TRUE : FALSE;
  jpeg.restart_in_rows = static_cast<int>(kind.restart_rows);
  if (!kind.subsampled) {
    jpeg.comp_info[0].h_samp_factor = 1;
    jpeg.comp_info[0].v_samp_factor = 1;
  }
  if (kind.progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<unsigned char> row(size_t{40} * static_cast<size_t>(kind.channels));
  while (jpeg.next_scanline < jpeg.image_height) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = static_cast<unsigned char>(i * 3 + jpeg.next_scanline * 7);
    }
    JSAMPROW start = row.data();
    jpeg_write_scanlines(&jpeg, &start, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string file(reinterpret_cast<char*>(bytes), size);
  std::free(bytes);
  return file;
}

/// The file with its scans repeated.
std::string WithScans(const std::string& jpeg, int times) {
  const size_t scan = jpeg.find("\xff\xda");
  std::string many = jpeg.substr(0, scan);
  for (int i = 0; i < times; ++i) many += jpeg.substr(scan, jpeg.size() - 2 - scan);
  return many + "\xff\xd9";
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::string good = Encoded({});
  std::vector<std::string> seeds = {good,
                                    Encoded({.channels = 1}),
                                    Encoded({.channels = 4}),
                                    Encoded({.channels = 4, .progressive = true}),
                                    Encoded({.progressive = true}),
                                    Encoded({.restart_rows = 1}),
                                    Encoded({.subsampled = false}),
                                    WithScans(good, 3),
                                    WithScans(good, 64),
                                    WithScans(good, 1000),
                                    WithScans(Encoded({.progressive = true}), 20),
                                    good + "behind",
                                    good.substr(0, good.size() / 2),
                                    server::WithSegment(good, 0xfe, "a comment"),
                                    server::WithSegment(good, 0xe2, "ICC_PROFILE"),
                                    server::WithSegment(good, 0xdc, std::string("\0\x18", 2))};
  for (int orientation = 0; orientation <= 9; ++orientation) {
    const std::string exif = std::string("Exif\0\0", 6);
    seeds.push_back(
        server::WithSegment(good, 0xe1, exif + server::OrientationTiff(orientation, true)));
    seeds.push_back(
        server::WithSegment(good, 0xe1, exif + server::OrientationTiff(orientation, false)));
  }
  const size_t frame = good.find("\xff\xc0");
  for (const char marker : {'\xc1', '\xc2', '\xc3', '\xc5', '\xc8', '\xc9', '\xcc', '\xcf'}) {
    std::string other = good;
    other[frame + 1] = marker;
    seeds.push_back(other);
  }
  std::string bomb = good;
  for (size_t i = 5; i < 9; ++i) bomb[frame + i] = '\xff';
  seeds.push_back(bomb);
  std::string deep = good;
  deep[frame + 4] = 12;  // bits
  seeds.push_back(deep);
  std::string channels = good;
  channels[frame + 9] = 2;
  seeds.push_back(channels);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ScanAndDecode("\xff\xd8\xff" + std::string(AsText(data, size).substr(size < 3 ? size : 3)));
  return 0;
}

}  // namespace vico::fuzz
