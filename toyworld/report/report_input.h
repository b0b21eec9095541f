// What a demo leaves on disk for its report, read and checked once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

namespace vico::toyworld {

struct ReportPaths {
  std::string concept_folder;  ///< the concept's pictures; other files are passed over
  std::string mask_folder;  ///< mask_<i>.png, i counted from 0 in the order of the pictures' names
  std::string before, after;  ///< folders of generated pictures, each with its pictures.json
  std::string run;            ///< run.json: what the demo measured
  std::string out;            ///< where the report goes; file names in it are relative to this
};

/// One generated picture, as a pictures.json lists it: {file, prompt, seed, sha256}.
struct GeneratedPicture {
  std::string file;  ///< relative to ReportPaths::out
  std::string prompt;
  uint64_t seed = 0;
  std::string sha256;
  cv::Mat picture;  ///< [h, w, 3] uint8, RGB
};

struct ReportInput {
  std::vector<cv::Mat> concept_pictures;  ///< RGB, in the order of their names
  std::vector<cv::Mat> masks;             ///< grey, one for each picture; empty where there is none
  std::vector<GeneratedPicture> before;   ///< bare base
  std::vector<GeneratedPicture> after;    ///< with the adapter
  nlohmann::ordered_json run;
};

/// The members that run.json must have, in the report's order.
const std::vector<std::string>& RunMembers();

/// kNotFound, kInvalidArgument naming file and member, or kDataLoss if a picture's bytes are not
/// those that its SHA-256 was taken of.
absl::StatusOr<ReportInput> ReadReportInput(const ReportPaths& paths);

}  // namespace vico::toyworld
