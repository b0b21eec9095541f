// vico-toyworld-evaluate: measures how well the toy world's base model draws and how well it
// personalises. Equal seeds give equal figures.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "common/crypto/sha256.h"
#include "common/flags/number_flags.h"
#include "common/flags/parse_flags.h"
#include "common/status.h"
#include "toyworld/charts/contact_sheet.h"
#include "toyworld/evaluation/base_quality.h"
#include "toyworld/evaluation/concept_trial.h"
#include "toyworld/evaluation/judge.h"
#include "toyworld/evaluation/summary.h"

namespace {

using namespace vico::toyworld;

struct Options {
  std::string base = "toyworld/base", scorer = "toyworld/base/scorer.safetensors";
  std::string out = ".cache/toyworld/evaluation";
  std::string classes, variants = "default";
  int captions = 512, concepts = 20, first_concept = 0, ablation_concepts = 10;
  int threads = 2;
  std::string device = "cpu";
  TrialOptions trial;
  double require_fidelity = -1, require_prompt = -1;
};

absl::StatusOr<std::vector<int>> ClassesNamed(const std::string& names) {
  std::vector<int> classes;
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) {
    if (ClassIndex(name) < 0) {
      return vico::FieldError("--classes", fmt::format("there is no class {}", name));
    }
    classes.push_back(ClassIndex(name));
  }
  for (int i = 0; names.empty() && i < kClassCount; ++i) classes.push_back(i);
  return classes;
}

absl::StatusOr<std::string> FileSha256(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open()) return absl::NotFoundError(fmt::format("{}: cannot be read", path));
  return vico::Sha256Hex(bytes);
}

absl::StatusOr<std::vector<ConceptRecords>> MeasureConcepts(const Session& session,
                                                            const Options& options,
                                                            const std::vector<Variant>& variants,
                                                            std::vector<VariantNote>& notes) {
  std::vector<ConceptRecords> all;
  for (int i = 0; i < options.concepts; ++i) {
    all.push_back({MakeHeldOutConcept(options.first_concept + i, session.classes), {}, {}});
    ASSIGN_OR_RETURN(all.back().frame, MeasureFrame(session, all.back().shown, options.trial));
  }
  for (const Variant& variant : variants) {  // the default variant for all concepts first
    VariantNote note{variant.name, variant.title, ""};
    const bool ablation = variant.name != variants.front().name;
    const int count =
        ablation ? std::min(options.ablation_concepts, options.concepts) : options.concepts;
    for (int i = 0; i < count && note.lacking.empty(); ++i) {
      ConceptRecords& shown = all[static_cast<size_t>(i)];
      absl::StatusOr<Json> record =
          MeasureVariant(session, shown.shown, variant, options.trial, shown.frame);
      if (record.ok()) {
        shown.variants.emplace_back(variant.name, *std::move(record));
      } else if (variant.may_lack && record.status().code() == absl::StatusCode::kInvalidArgument) {
        note.lacking = std::string(record.status().message());
      } else {
        return record.status();
      }
    }
    notes.push_back(note);
  }
  return all;
}

void PrintTable(const std::vector<std::vector<std::string>>& table) {
  std::vector<size_t> widths(table.front().size());
  for (const auto& line : table) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : table) {
    for (size_t i = 0; i < line.size(); ++i) fmt::print("{:<{}}  ", line[i], widths[i]);
    fmt::print("\n");
  }
}

// kFailedPrecondition if a required figure was not reached.
absl::Status Check(const Options& options, const Json& summary) {
  const auto below = [&](const char* figure, double bound) -> absl::Status {
    const Json& found = summary.at("default").at(figure);
    if (bound < 0) return absl::OkStatus();
    const double mean = found.is_null() ? -1 : found.at("mean").get<double>();
    if (mean >= bound) return absl::OkStatus();
    return absl::FailedPreconditionError(
        fmt::format("{}: must be {} or more, is {:.3f}", figure, bound, mean));
  };
  RETURN_IF_ERROR(below("fidelity", options.require_fidelity));
  return below("prompt_fidelity", options.require_prompt);
}

absl::Status Run(const Options& options) {
  ASSIGN_OR_RETURN(const std::vector<int> classes, ClassesNamed(options.classes));
  ASSIGN_OR_RETURN(const std::vector<Variant> variants, VariantsNamed(options.variants));
  ASSIGN_OR_RETURN(Scorer scorer, LoadScorer(options.scorer));
  ASSIGN_OR_RETURN(const std::string scorer_sha256, FileSha256(options.scorer));
  ASSIGN_OR_RETURN(const auto base,
                   TestedBase::Open(options.base, options.threads, options.device));
  std::error_code error;
  std::filesystem::create_directories(options.out + "/pictures", error);
  if (error) return absl::UnavailableError(fmt::format("{}: {}", options.out, error.message()));
  ASSIGN_OR_RETURN(Records records, Records::Open(options.out + "/records.jsonl"));
  const Session session{*base, scorer, scorer_sha256, classes, options.out, records};

  Json results = {{"base_model", base->name()},
                  {"base_digest", base->digest()},
                  {"scorer_sha256", scorer_sha256},
                  {"scorer_on_drawings", HeldOutFigures(scorer)},
                  {"threads", options.threads},
                  {"device", options.device},
                  {"classes", Json::array()},
                  {"prompts", options.trial.prompts},
                  {"pictures_a_prompt", options.trial.pictures}};
  for (const int c : classes) {
    results["classes"].push_back(std::string(kClassNames[static_cast<size_t>(c)]));
  }
  fmt::print("the scorer on held-out drawings: {}\n", results["scorer_on_drawings"].dump());
  if (options.captions > 0) {
    ASSIGN_OR_RETURN(results["base"], MeasureBase(session, options.captions));
    fmt::print("base: {}\n", results["base"].dump());
  }

  absl::Status verdict;
  if (options.concepts > 0) {
    std::vector<VariantNote> notes;
    ASSIGN_OR_RETURN(const std::vector<ConceptRecords> all,
                     MeasureConcepts(session, options, variants, notes));
    results["personalisation"] = Summarise(all, notes);
    for (const ConceptRecords& shown : all) {
      Json entry = {{"name", shown.shown.name}, {"frame", shown.frame}};
      for (const auto& [name, record] : shown.variants) entry[name] = record;
      results["concepts"].push_back(entry);
    }
    const auto table = SummaryTable(results["personalisation"], notes);
    PrintTable(table);
    ASSIGN_OR_RETURN(const cv::Mat sheet,
                     EvaluationSheet(session, all, table, options.trial.pictures));
    RETURN_IF_ERROR(WritePicture(options.out + "/contact_sheet.png", sheet));
    verdict = Check(options, results["personalisation"]);
  }
  std::ofstream file(options.out + "/results.json");
  file << results.dump(2) << "\n";
  file.close();
  if (!file) {
    return absl::UnavailableError(fmt::format("{}/results.json: cannot be written", options.out));
  }
  fmt::print("wrote {}/results.json\n", options.out);
  return verdict;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures the toy world's base model and the personalisation on it");
  Options options;
  bool quick = false;
  const vico::NumberBounds<int> count{0, 100'000};
  app.add_option("--base", options.base, "directory in diffusers layout")->capture_default_str();
  app.add_option("--scorer", options.scorer)->capture_default_str();
  app.add_option("--out", options.out,
                 "folder for results, pictures and the records of an interrupted run")
      ->capture_default_str();
  app.add_option("--classes", options.classes, "comma-separated; default: all ten");
  app.add_option("--variants", options.variants, "comma-separated names, or all")
      ->capture_default_str();
  auto* captions =
      vico::AddNumber(app, "--captions", options.captions,
                      "number of captions for the base model; 0: do not measure it", count);
  auto* concepts = vico::AddNumber(app, "--concepts", options.concepts,
                                   "number of concepts, one class after another; 0: none", count);
  vico::AddNumber(app, "--first-concept", options.first_concept,
                  "number of the first concept; docs/ reports 0..19, so tune on later ones", count);
  vico::AddNumber(app, "--ablation-concepts", options.ablation_concepts,
                  "number of concepts for each variant other than the default", count);
  vico::AddNumber(app, "--prompts", options.trial.prompts, "prompts for each concept",
                  {1, static_cast<int>(ConceptPrompts().size())});
  vico::AddNumber(app, "--pictures", options.trial.pictures, "pictures for each prompt", {1, 8});
  vico::AddNumber(app, "--steps", options.trial.steps,
                  "training steps; 0: the base model's default", {0, 5000});
  vico::AddNumber(app, "--threads", options.threads, "compute threads", {1, 256});
  app.add_option("--device", options.device,
                 "device of trainings and pictures; the scorer runs on the CPU")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app.add_flag("--quick", quick, "3 concepts and 64 captions, unless given");
  vico::AddNumber(app, "--require-fidelity", options.require_fidelity,
                  "fail if the default's mean concept fidelity is lower", {0.0, 1.0});
  vico::AddNumber(app, "--require-prompt-fidelity", options.require_prompt,
                  "fail if the default's mean prompt fidelity is lower", {0.0, 1.0});
  if (const auto exit_code = vico::ParseFlags(app, argc, argv)) return *exit_code;
  if (quick && captions->count() == 0) options.captions = 64;
  if (quick && concepts->count() == 0) options.concepts = 3;
  cv::setNumThreads(1);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // line-buffered, so that progress shows in a pipe
  const absl::Status status = Run(options);
  if (status.ok()) return 0;
  std::cerr << status.message() << "\n";
  return 1;
}
