#include "toyworld/evaluation/concept_trial.h"

#include <chrono>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <opencv2/imgproc.hpp>

#include "common/status.h"
#include "toyworld/charts/contact_sheet.h"
#include "toyworld/evaluation/judge.h"
#include "toyworld/evaluation/metrics.h"
#include "toyworld/world/captions.h"

namespace vico::toyworld {
namespace {

std::string Filled(const std::string& prompt, const std::string& word) {
  std::string text = prompt;
  text.replace(text.find("{}"), 2, word);
  return text;
}

struct Drawn {
  std::vector<cv::Mat> pictures;  ///< prompt by prompt
  double seconds_per_picture = 0;
};

absl::StatusOr<Drawn> DrawAll(const Session& session, const std::string& word,
                              const TrialOptions& options, const Learned* learned) {
  std::vector<uint64_t> seeds;
  seeds.reserve(static_cast<size_t>(options.pictures));
  for (int i = 0; i < options.pictures; ++i) seeds.push_back(static_cast<uint64_t>(i + 1));
  Drawn drawn;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < options.prompts; ++i) {
    const std::string prompt = Filled(ConceptPrompts()[static_cast<size_t>(i)], word);
    ASSIGN_OR_RETURN(const std::vector<cv::Mat> some, session.base.Draw(prompt, seeds, learned));
    drawn.pictures.insert(drawn.pictures.end(), some.begin(), some.end());
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  drawn.seconds_per_picture = seconds / static_cast<double>(drawn.pictures.size());
  return drawn;
}

// Measures a set of pictures, prompt by prompt, against the concept and the prompts.
Json Traits(const Session& session, const HeldOutConcept& shown, const torch::Tensor& mean,
            const TrialOptions& options, const std::vector<cv::Mat>& pictures) {
  const Verdicts verdicts = Judge(session.scorer, pictures);
  const Instance& toy = shown.instance;
  double toy_class = 0, colour1 = 0, colour2 = 0, pattern = 0, scene = 0;
  for (size_t i = 0; i < pictures.size(); ++i) {
    const std::string& prompt = ConceptPrompts()[i / static_cast<size_t>(options.pictures)];
    toy_class += verdicts.toy_class[i] == toy.toy_class ? 1 : 0;
    colour1 += verdicts.colours[i][0] == toy.paint[0].name ? 1 : 0;
    colour2 += verdicts.colours[i][1] == toy.paint[1].name ? 1 : 0;
    pattern += verdicts.pattern[i] == toy.pattern ? 1 : 0;
    scene += verdicts.scene[i] == SceneInPrompt(prompt) ? 1 : 0;
  }
  const auto n = static_cast<double>(pictures.size());
  return {{"cosine", verdicts.embedding.matmul(mean).mean().item<double>()},
          {"class", toy_class / n},
          {"scene", scene / n},
          {"colour 1", colour1 / n},
          {"colour 2", colour2 / n},
          {"pattern", pattern / n}};
}

torch::Tensor ConceptMean(const Session& session, const HeldOutConcept& shown) {
  std::vector<cv::Mat> pictures;
  for (const Drawing& drawing : shown.pictures) pictures.push_back(drawing.image);
  return MeanEmbedding(Judge(session.scorer, pictures));
}

absl::Status Keep(const Session& session, const std::string& file,
                  const std::vector<cv::Mat>& pictures, const TrialOptions& options) {
  return WritePicture(session.out + "/" + file, Join(pictures, options.pictures));
}

Json Settings(const Session& session, const HeldOutConcept& shown, const TrialOptions& options) {
  return {{"base", session.base.digest()},
          {"scorer", session.scorer_sha256},
          {"concept", shown.name},
          {"prompts", options.prompts},
          {"pictures", options.pictures}};
}

Json Number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

}  // namespace

absl::StatusOr<Json> MeasureFrame(const Session& session, const HeldOutConcept& shown,
                                  const TrialOptions& options) {
  Json settings = Settings(session, shown, options);
  settings["kind"] = "frame";
  const std::string key = Records::Key(settings);
  if (const Json* record = session.records.Find(key)) return *record;

  const std::string word(kClassNames[static_cast<size_t>(shown.instance.toy_class)]);
  ASSIGN_OR_RETURN(const Drawn bare, DrawAll(session, word, options, nullptr));
  std::vector<cv::Mat> truth;
  for (int i = 0; i < options.prompts; ++i) {
    const std::string& prompt = ConceptPrompts()[static_cast<size_t>(i)];
    for (const Drawing& d : Redraw(shown, prompt, options.pictures)) truth.push_back(d.image);
  }
  ASSIGN_OR_RETURN(const std::vector<cv::Mat> kept, session.base.ThroughAutoencoder(truth));
  const torch::Tensor mean = ConceptMean(session, shown);
  const auto traits = [&](const std::vector<cv::Mat>& pictures) {
    return Traits(session, shown, mean, options, pictures);
  };
  Json record = {{"kind", "frame"},
                 {"concept", shown.name},
                 {"bare", traits(bare.pictures)},
                 {"truth", traits(truth)},
                 {"autoencoder", traits(kept)},
                 {"seconds_per_picture", bare.seconds_per_picture},
                 {"bare_file", fmt::format("pictures/bare_{}.png", key)},
                 {"truth_file", fmt::format("pictures/truth_{}.png", key)}};
  record["autoencoder"]["fidelity"] = Number(ScaledFidelity(
      record["autoencoder"]["cosine"], record["bare"]["cosine"], record["truth"]["cosine"]));
  RETURN_IF_ERROR(Keep(session, record["bare_file"], bare.pictures, options));
  RETURN_IF_ERROR(Keep(session, record["truth_file"], truth, options));
  RETURN_IF_ERROR(session.records.Add(key, record));
  return record;
}

absl::StatusOr<Json> MeasureVariant(const Session& session, const HeldOutConcept& shown,
                                    const Variant& variant, const TrialOptions& options,
                                    const Json& frame) {
  std::string spec;
  const v1::TrainSpec training = session.base.Spec(variant, shown, options.steps);
  if (!google::protobuf::util::MessageToJsonString(training, &spec).ok()) {
    return absl::InternalError("the training's spec cannot be written as JSON");
  }
  Json settings = Settings(session, shown, options);
  settings["kind"] = "variant";
  settings["embedding_only"] = variant.embedding_only;
  settings["spec"] = spec;
  const std::string key = Records::Key(settings);
  if (const Json* record = session.records.Find(key)) return *record;

  ASSIGN_OR_RETURN(const Learned learned, session.base.Train(variant, shown, options.steps));
  ASSIGN_OR_RETURN(const Drawn drawn, DrawAll(session, training.placeholder(), options, &learned));
  Json record = {{"kind", "variant"}, {"concept", shown.name}, {"variant", variant.name}};
  record["steps"] = training.steps();
  const Json traits = Traits(session, shown, ConceptMean(session, shown), options, drawn.pictures);
  record["fidelity"] =
      Number(ScaledFidelity(traits["cosine"], frame["bare"]["cosine"], frame["truth"]["cosine"]));
  const double bare_scene = frame["bare"]["scene"];
  record["prompt_fidelity"] =
      bare_scene > 0 ? Json(traits["scene"].get<double>() / bare_scene) : Json();
  record.update(traits);
  for (size_t site = 0; site < learned.masks.size(); ++site) {
    const std::vector<cv::Mat>& masks = learned.masks[site];
    double iou = 0;
    for (size_t i = 0; i < masks.size(); ++i) iou += MaskIou(masks[i], shown.pictures[i].mask);
    record[fmt::format("mask_iou_{}", site + 1)] = iou / static_cast<double>(masks.size());
  }
  record["train_seconds"] = learned.seconds;
  record["seconds_per_picture"] = drawn.seconds_per_picture;
  record["file"] = fmt::format("pictures/{}_{}_{}.png", variant.name, shown.name, key);
  if (!learned.masks.empty()) {
    std::vector<cv::Mat> masks;
    for (const cv::Mat& mask : learned.masks.back()) {
      cv::Mat rgb;
      cv::cvtColor(mask, rgb, cv::COLOR_GRAY2RGB);
      masks.push_back(rgb);
    }
    record["mask_file"] = fmt::format("pictures/masks_{}.png", key);
    record["mask_side"] = learned.masks.back().front().cols;
    const auto columns = static_cast<int>(masks.size());
    RETURN_IF_ERROR(WritePicture(session.out + "/" + record["mask_file"].get<std::string>(),
                                 Join(masks, columns)));
  }
  RETURN_IF_ERROR(Keep(session, record["file"], drawn.pictures, options));
  RETURN_IF_ERROR(session.records.Add(key, record));
  const std::string fidelity = record["fidelity"].is_null()
                                   ? "none"
                                   : fmt::format("{:.2f}", record["fidelity"].get<double>());
  fmt::print("{} {}: fidelity {}, scene {:.2f}, trained in {:.0f} s\n", shown.name, variant.name,
             fidelity, record["scene"].get<double>(), learned.seconds);
  std::fflush(stdout);
  return record;
}

}  // namespace vico::toyworld
