#include "toyworld/report/report_input.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "common/crypto/sha256.h"
#include "common/status.h"

namespace vico::toyworld {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

absl::StatusOr<std::string> ReadBytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return absl::NotFoundError(fmt::format("{}: cannot be read", path.string()));
  }
  return bytes;
}

absl::StatusOr<Json> ReadJson(const fs::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadBytes(path));
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return absl::InvalidArgumentError(fmt::format("{}: is not JSON", path.string()));
  }
  return json;
}

// Decodes to RGB; empty if the bytes are not a picture.
cv::Mat Decode(const std::string& bytes, int mode) {
  if (bytes.empty()) return {};
  const cv::Mat raw(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<char*>(bytes.data()));
  cv::Mat picture = cv::imdecode(raw, mode);
  if (picture.channels() == 3) cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  return picture;
}

absl::StatusOr<std::vector<cv::Mat>> ReadConcept(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  if (error) return absl::NotFoundError(fmt::format("{}: {}", folder.string(), error.message()));
  std::sort(files.begin(), files.end());
  std::vector<cv::Mat> pictures;
  for (const fs::path& file : files) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadBytes(file));
    cv::Mat picture = Decode(bytes, cv::IMREAD_COLOR);
    if (!picture.empty()) pictures.push_back(std::move(picture));
  }
  if (pictures.empty()) {
    return absl::InvalidArgumentError(fmt::format("{}: has no pictures", folder.string()));
  }
  return pictures;
}

absl::StatusOr<GeneratedPicture> ReadListed(const Json& entry, const fs::path& folder,
                                            const fs::path& out, const std::string& where) {
  const auto member = [&](const char* name) {
    return entry.is_object() ? entry.value(name, Json()) : Json();
  };
  const Json file = member("file"), prompt = member("prompt"), seed = member("seed");
  const Json sha256 = member("sha256");
  if (!file.is_string()) return FieldError(where + ".file", "must be a file name");
  if (!prompt.is_string()) return FieldError(where + ".prompt", "must be text");
  if (!seed.is_number_unsigned()) return FieldError(where + ".seed", "must be a whole number >= 0");
  if (!sha256.is_string() || !IsSha256Hex(sha256.get<std::string>())) {
    return FieldError(where + ".sha256", "must be 64 hexadecimal digits");
  }
  GeneratedPicture listed;
  const fs::path path = folder / file.get<std::string>();
  ASSIGN_OR_RETURN(const std::string bytes, ReadBytes(path));
  listed.prompt = prompt.get<std::string>();
  listed.seed = seed.get<uint64_t>();
  listed.sha256 = sha256.get<std::string>();
  if (Sha256Hex(bytes) != listed.sha256) {
    return absl::DataLossError(fmt::format("{}: its bytes do not match its sha256", path.string()));
  }
  listed.picture = Decode(bytes, cv::IMREAD_COLOR);
  if (listed.picture.empty()) {
    return absl::InvalidArgumentError(fmt::format("{}: is not a picture", path.string()));
  }
  listed.file = fs::absolute(path).lexically_relative(fs::absolute(out)).generic_string();
  return listed;
}

absl::StatusOr<std::vector<GeneratedPicture>> ReadGenerated(const fs::path& folder,
                                                            const fs::path& out) {
  const fs::path list = folder / "pictures.json";
  ASSIGN_OR_RETURN(const Json json, ReadJson(list));
  if (!json.is_array() || json.empty()) {
    return absl::InvalidArgumentError(fmt::format("{}: must be a list of pictures", list.string()));
  }
  std::vector<GeneratedPicture> pictures;
  for (size_t i = 0; i < json.size(); ++i) {
    const std::string where = fmt::format("{}[{}]", list.string(), i);
    ASSIGN_OR_RETURN(GeneratedPicture picture, ReadListed(json[i], folder, out, where));
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

}  // namespace

const std::vector<std::string>& RunMembers() {
  static const std::vector<std::string> kMembers = {"base_model",    "dialect",
                                                    "images",        "train_steps",
                                                    "train_seconds", "seconds_per_step",
                                                    "first_loss",    "last_loss",
                                                    "mask_coverage", "generate_seconds_per_picture",
                                                    "peak_rss_mb"};
  return kMembers;
}

absl::StatusOr<ReportInput> ReadReportInput(const ReportPaths& paths) {
  ReportInput input;
  ASSIGN_OR_RETURN(input.concept_pictures, ReadConcept(paths.concept_folder));
  for (size_t i = 0; i < input.concept_pictures.size(); ++i) {
    const fs::path file = fs::path(paths.mask_folder) / fmt::format("mask_{}.png", i);
    const absl::StatusOr<std::string> bytes = ReadBytes(file);
    input.masks.push_back(bytes.ok() ? Decode(*bytes, cv::IMREAD_GRAYSCALE) : cv::Mat());
  }
  ASSIGN_OR_RETURN(input.before, ReadGenerated(paths.before, paths.out));
  ASSIGN_OR_RETURN(input.after, ReadGenerated(paths.after, paths.out));
  ASSIGN_OR_RETURN(input.run, ReadJson(paths.run));
  for (const std::string& member : RunMembers()) {
    if (!input.run.is_object() || !input.run.contains(member)) {
      return FieldError(paths.run + ": " + member, "is missing");
    }
  }
  return input;
}

}  // namespace vico::toyworld
