// What all measurements of one evaluation share.
#pragma once

#include <string>
#include <vector>

#include "toyworld/evaluation/records.h"
#include "toyworld/evaluation/tested_base.h"
#include "toyworld/scorer/scorer.h"

namespace vico::toyworld {

struct Session {
  TestedBase& base;
  Scorer& scorer;
  std::string scorer_sha256;
  std::vector<int> classes;  ///< indices
  std::string out;           ///< output folder, in which pictures/ exists
  Records& records;
};

/// Joins pictures of equal size into one without gaps, `columns` in a row, and splits them again.
/// Drawn pictures are stored in this form.
cv::Mat Join(const std::vector<cv::Mat>& pictures, int columns);
std::vector<cv::Mat> Split(const cv::Mat& joined, int side, int count);

/// Reads an RGB picture from a PNG file; kNotFound.
absl::StatusOr<cv::Mat> ReadPicture(const std::string& path);

}  // namespace vico::toyworld
