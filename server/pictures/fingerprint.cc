// Finds pictures that look the same: their difference hashes and the colours of their thumbnails
// are close.
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "server/pictures/intake.h"

namespace vico::server {
namespace {

constexpr int kGradientBits = 4;     // of 64 that may differ
constexpr int kThumbnailLevels = 3;  // of 255, mean absolute difference

}  // namespace

Fingerprint FingerprintOf(const Pixels& pixels) {
  const cv::Mat image(pixels.height, pixels.width, CV_8UC3,
                      const_cast<uint8_t*>(pixels.bgr.data()));
  Fingerprint fingerprint;
  cv::Mat small;
  cv::resize(image, small, {16, 16}, 0, 0, cv::INTER_AREA);
  cv::cvtColor(small, small, cv::COLOR_BGR2RGB);
  std::memcpy(fingerprint.thumbnail.data(), small.data, fingerprint.thumbnail.size());

  cv::Mat grey;
  cv::cvtColor(image, grey, cv::COLOR_BGR2GRAY);
  cv::resize(grey, grey, {9, 8}, 0, 0, cv::INTER_AREA);
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const bool darker = grey.at<uchar>(y, x) < grey.at<uchar>(y, x + 1);
      fingerprint.gradient = fingerprint.gradient << 1 | static_cast<uint64_t>(darker);
    }
  }
  return fingerprint;
}

std::string PackFingerprint(const Fingerprint& fingerprint) {
  std::string packed;
  for (int shift = 56; shift >= 0; shift -= 8) {
    packed += static_cast<char>(fingerprint.gradient >> shift & 0xff);
  }
  packed.append(fingerprint.thumbnail.begin(), fingerprint.thumbnail.end());
  return packed;
}

std::optional<Fingerprint> UnpackFingerprint(std::string_view packed) {
  constexpr size_t kGradientBytes = sizeof(Fingerprint::gradient);
  Fingerprint fingerprint;
  if (packed.size() != kGradientBytes + fingerprint.thumbnail.size()) return std::nullopt;
  for (size_t i = 0; i < kGradientBytes; ++i) {
    fingerprint.gradient = fingerprint.gradient << 8 | static_cast<uint8_t>(packed[i]);
  }
  std::copy(packed.begin() + kGradientBytes, packed.end(), fingerprint.thumbnail.begin());
  return fingerprint;
}

bool LooksTheSame(const Fingerprint& a, const Fingerprint& b) {
  if (std::popcount(a.gradient ^ b.gradient) > kGradientBits) return false;
  int64_t difference = 0;
  for (size_t i = 0; i < a.thumbnail.size(); ++i) {
    difference += std::abs(int{a.thumbnail[i]} - int{b.thumbnail[i]});
  }
  return difference <= kThumbnailLevels * static_cast<int64_t>(a.thumbnail.size());
}

std::vector<std::pair<size_t, size_t>> Duplicates(const std::vector<Fingerprint>& pictures) {
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 0; i < pictures.size(); ++i) {
    for (size_t j = i + 1; j < pictures.size(); ++j) {
      if (LooksTheSame(pictures[i], pictures[j])) pairs.emplace_back(i, j);
    }
  }
  return pairs;
}

}  // namespace vico::server
