// JPEG files of every kind, written row by row with libjpeg, and changes to them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <jpeglib.h>

namespace vico::server {

struct JpegKind {
  uint32_t width = 40;
  uint32_t height = 24;
  int channels = 3;  ///< 4: CMYK as Adobe's programs write it
  bool progressive = false;
  bool interleaved = true;  ///< false: a scan for each channel
  unsigned restart_rows = 0;
  bool subsampled = true;
  int quality = 75;
  /// The sample of channel c at (x, y).
  std::function<uint8_t(uint32_t x, uint32_t y, int c)> sample = [](uint32_t x, uint32_t y, int c) {
    return static_cast<uint8_t>((x * 3 + static_cast<uint32_t>(c)) * 3 + y * 7);
  };
};

/// The scans of a sequential JPEG with one channel each.
inline std::vector<jpeg_scan_info> ScanForEachChannel(int channels) {
  std::vector<jpeg_scan_info> scans(static_cast<size_t>(channels));
  for (int c = 0; c < channels; ++c) {
    jpeg_scan_info& scan = scans[static_cast<size_t>(c)];
    scan.comps_in_scan = 1;
    scan.component_index[0] = c;
    scan.Se = 63;
  }
  return scans;
}

inline std::string JpegFile(const JpegKind& kind) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = kind.width;
  jpeg.image_height = kind.height;
  jpeg.input_components = kind.channels;
  jpeg.in_color_space = kind.channels == 1   ? JCS_GRAYSCALE
                        : kind.channels == 3 ? JCS_RGB
                                             : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, kind.quality, TRUE);
  jpeg.write_Adobe_marker = kind.channels == 4 ? TRUE : FALSE;
  jpeg.restart_in_rows = static_cast<int>(kind.restart_rows);
  if (!kind.subsampled) {
    jpeg.comp_info[0].h_samp_factor = 1;
    jpeg.comp_info[0].v_samp_factor = 1;
  }
  if (kind.progressive) jpeg_simple_progression(&jpeg);
  const std::vector<jpeg_scan_info> scans = ScanForEachChannel(kind.channels);
  if (!kind.interleaved) {
    jpeg.scan_info = scans.data();
    jpeg.num_scans = kind.channels;
  }
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<unsigned char> row(size_t{kind.width} * static_cast<size_t>(kind.channels));
  while (jpeg.next_scanline < jpeg.image_height) {
    size_t at = 0;
    for (uint32_t x = 0; x < kind.width; ++x) {
      for (int c = 0; c < kind.channels; ++c) row[at++] = kind.sample(x, jpeg.next_scanline, c);
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

/// The place of the n-th marker of this kind, counted from 0; npos if there is none.
inline size_t FindMarker(const std::string& jpeg, uint8_t marker, int n = 0) {
  const std::string bytes{'\xff', static_cast<char>(marker)};
  size_t at = jpeg.find(bytes);
  while (n-- > 0 && at != std::string::npos) at = jpeg.find(bytes, at + 2);
  return at;
}

}  // namespace vico::server
