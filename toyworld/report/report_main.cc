// vico-toyworld-report: writes the demo's report.json and contact_sheet.png from its files.
#include <filesystem>
#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "common/flags/parse_flags.h"
#include "common/status.h"
#include "toyworld/charts/contact_sheet.h"
#include "toyworld/report/fidelity.h"

namespace {

using namespace vico::toyworld;

absl::Status Run(const ReportPaths& paths, const std::string& scorer_file) {
  ASSIGN_OR_RETURN(const ReportInput input, ReadReportInput(paths));
  Fidelity fidelity;
  if (!scorer_file.empty()) {
    ASSIGN_OR_RETURN(Scorer scorer, LoadScorer(scorer_file));
    fidelity = MeasureFidelity(scorer, input);
  }
  const std::filesystem::path out = paths.out;
  std::error_code error;
  std::filesystem::create_directories(out, error);
  RETURN_IF_ERROR(WritePicture((out / "contact_sheet.png").string(), MakeReportSheet(input)));
  std::ofstream file(out / "report.json");
  file << MakeReport(input, fidelity).dump(2) << "\n";
  file.close();
  if (!file)
    return absl::UnavailableError(fmt::format("{}/report.json: cannot be written", paths.out));
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes a demo's report.json and contact_sheet.png");
  ReportPaths paths;
  std::string scorer;
  app.add_option("--concept", paths.concept_folder, "folder of the concept's pictures")->required();
  app.add_option("--masks", paths.mask_folder, "folder of mask_<i>.png")->required();
  app.add_option("--before", paths.before, "bare base: pictures and pictures.json")->required();
  app.add_option("--after", paths.after, "with the adapter: pictures and pictures.json")
      ->required();
  app.add_option("--run", paths.run, "run.json")->required();
  app.add_option("--scorer", scorer, "the toy world's scorer; without it fidelities are null");
  app.add_option("--out", paths.out, "folder to write to")->required();
  if (const auto exit_code = vico::ParseFlags(app, argc, argv)) return *exit_code;
  cv::setNumThreads(1);
  at::set_num_threads(1);
  const absl::Status status = Run(paths, scorer);
  if (status.ok()) return 0;
  std::cerr << status.message() << "\n";
  return 1;
}
