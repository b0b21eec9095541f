// A picture with a single colour.
#pragma once

#include <opencv2/core.hpp>

namespace vico::toyworld {

/// `side` x `side` pixels.
inline cv::Mat PlainPicture(int side, const cv::Scalar& rgb) { return {side, side, CV_8UC3, rgb}; }

}  // namespace vico::toyworld
