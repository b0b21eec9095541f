// Reads and checks the files that the demo writes for its report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

namespace vico::toyworld {

struct ReportPaths {
  std::string concept_folder;  ///< the concept's pictures; other files are ignored
  std::string mask_folder;  ///< mask_<i>.png, i counted from 0 in the order of the pictures' names
  std::string before, after;  ///< folders of generated pictures, each with its pictures.json
  std::string run;            ///< run.json, the demo's measurements
  std::string out;            ///< output folder; file names in the report are relative to it
};

/// A generated picture, from an entry {file, prompt, seed, sha256} of pictures.json.
struct GeneratedPicture {
  std::string file;  ///< relative to ReportPaths::out
  std::string prompt;
  uint64_t seed = 0;
  std::string sha256;
  cv::Mat picture;  ///< [h, w, 3] uint8, RGB
};

struct ReportInput {
  std::vector<cv::Mat> concept_pictures;  ///< RGB, in the order of their names
  std::vector<cv::Mat> masks;             ///< grey, one for each picture; empty if missing
  std::vector<GeneratedPicture> before;   ///< bare base
  std::vector<GeneratedPicture> after;    ///< with the adapter
  nlohmann::ordered_json run;
};

/// The required members of run.json, in the report's order.
const std::vector<std::string>& RunMembers();

/// kNotFound, kInvalidArgument naming file and member, or kDataLoss if a picture does not match its
/// SHA-256.
absl::StatusOr<ReportInput> ReadReportInput(const ReportPaths& paths);

}  // namespace vico::toyworld
