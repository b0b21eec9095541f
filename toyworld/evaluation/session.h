// What every measurement of one evaluation shares.
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
  std::string out;           ///< the folder; pictures/ in it exists
  Records& records;
};

/// Equal pictures side by side without gaps, `columns` a row; and back. What is drawn is kept so.
cv::Mat Join(const std::vector<cv::Mat>& pictures, int columns);
std::vector<cv::Mat> Split(const cv::Mat& joined, int side, int count);

/// An RGB picture from a PNG file; kNotFound.
absl::StatusOr<cv::Mat> ReadPicture(const std::string& path);

}  // namespace vico::toyworld
