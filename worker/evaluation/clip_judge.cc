#include <utility>

#include "common/status.h"
#include "worker/evaluation/embeddings.h"
#include "worker/evaluation/judge.h"
#include "worker/towers/clip_tower.h"
#include "worker/towers/similarity.h"

namespace vico::worker {
namespace {

class ClipJudge final : public Judge {
 public:
  explicit ClipJudge(std::unique_ptr<ClipTower> tower) : tower_(std::move(tower)) {}

  std::string name() const override { return "CLIP " + VisionName(tower_->config().vision); }

  absl::StatusOr<std::vector<PictureFigure>> Measure(
      const JudgedPictures& pictures, const std::function<bool()>& keep_going) override {
    const EmbedPicture embed = [this](const Pixels& pixels) -> absl::StatusOr<torch::Tensor> {
      ASSIGN_OR_RETURN(const torch::Tensor prepared, tower_->Prepare(pixels));
      return tower_->ImageEmbedding(prepared.unsqueeze(0));
    };
    ASSIGN_OR_RETURN(const torch::Tensor real, Embeddings(pictures.real, embed, keep_going));
    ASSIGN_OR_RETURN(const torch::Tensor drawn, Embeddings(pictures.generated, embed, keep_going));
    const torch::Tensor prompts = tower_->TextEmbedding(tower_->Ids(pictures.prompts));
    return std::vector<PictureFigure>{FigureOf("clip_i", ClipI(real, drawn)),
                                      FigureOf("clip_t", ClipT(drawn, prompts)),
                                      FigureOf(kNearestPicture, NearestReal(real, drawn))};
  }

 private:
  const std::unique_ptr<ClipTower> tower_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Judge>> OpenClipJudge(const std::string& directory) {
  ASSIGN_OR_RETURN(std::unique_ptr<ClipTower> tower, ClipTower::Load(directory));
  return std::make_unique<ClipJudge>(std::move(tower));
}

}  // namespace vico::worker
