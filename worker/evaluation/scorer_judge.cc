#include <utility>

#include <opencv2/core.hpp>

#include "common/status.h"
#include "worker/evaluation/embeddings.h"
#include "worker/evaluation/judge.h"
#include "worker/scorer/fidelity.h"
#include "worker/scorer/scorer_file.h"
#include "worker/towers/similarity.h"

namespace vico::worker {
namespace {

class ScorerJudge final : public Judge {
 public:
  explicit ScorerJudge(ScorerFile scorer) : scorer_(std::move(scorer)) {}

  std::string name() const override { return scorer_.labels.name; }

  absl::StatusOr<std::vector<PictureFigure>> Measure(
      const JudgedPictures& pictures, const std::function<bool()>& keep_going) override {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> scenes;  // [1, scenes] of each picture
    const EmbedPicture embed = [&](const Pixels& pixels) -> absl::StatusOr<torch::Tensor> {
      Scores scores = scorer_.network(ToImages01({PictureOf(pixels)}));
      scenes.push_back(std::move(scores.scene));
      return std::move(scores.embedding);
    };
    ASSIGN_OR_RETURN(const torch::Tensor real, Embeddings(pictures.real, embed, keep_going));
    scenes.clear();
    ASSIGN_OR_RETURN(const torch::Tensor drawn, Embeddings(pictures.generated, embed, keep_going));
    std::vector<std::optional<int>> asked;
    for (const std::string& prompt : pictures.prompts) {
      asked.push_back(scorer_.labels.SceneIn(prompt));
    }
    return std::vector<PictureFigure>{
        FigureOf("concept_fidelity", ConceptFidelity(real, drawn)),
        {.name = "prompt_fidelity", .values = PromptFidelity(torch::cat(scenes), asked)},
        FigureOf(kNearestPicture, NearestReal(real, drawn))};
  }

 private:
  /// Shares the pixels, which are only read.
  static cv::Mat PictureOf(const Pixels& pixels) {
    return {pixels.height, pixels.width, CV_8UC3, const_cast<uint8_t*>(pixels.rgb.data())};
  }

  ScorerFile scorer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Judge>> OpenScorerJudge(const std::string& path) {
  ASSIGN_OR_RETURN(ScorerFile scorer, LoadScorerFile(path));
  return std::make_unique<ScorerJudge>(std::move(scorer));
}

}  // namespace vico::worker
