#include <utility>

#include "common/status.h"
#include "worker/evaluation/embeddings.h"
#include "worker/evaluation/judge.h"
#include "worker/towers/dino_tower.h"
#include "worker/towers/similarity.h"

namespace vico::worker {
namespace {

class DinoJudge final : public Judge {
 public:
  explicit DinoJudge(std::unique_ptr<DinoTower> tower) : tower_(std::move(tower)) {}

  std::string name() const override { return "DINO " + VisionName(tower_->config()); }

  absl::StatusOr<std::vector<PictureFigure>> Measure(
      const JudgedPictures& pictures, const std::function<bool()>& keep_going) override {
    const EmbedPicture embed = [this](const Pixels& pixels) -> absl::StatusOr<torch::Tensor> {
      ASSIGN_OR_RETURN(const torch::Tensor prepared, tower_->Prepare(pixels));
      return tower_->Features(prepared.unsqueeze(0));
    };
    ASSIGN_OR_RETURN(const torch::Tensor real, Embeddings(pictures.real, embed, keep_going));
    ASSIGN_OR_RETURN(const torch::Tensor drawn, Embeddings(pictures.generated, embed, keep_going));
    return std::vector<PictureFigure>{FigureOf("dino", Dino(real, drawn)),
                                      FigureOf(kNearestPicture, NearestReal(real, drawn))};
  }

 private:
  const std::unique_ptr<DinoTower> tower_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Judge>> OpenDinoJudge(const std::string& directory) {
  ASSIGN_OR_RETURN(std::unique_ptr<DinoTower> tower, DinoTower::Load(directory));
  return std::make_unique<DinoJudge>(std::move(tower));
}

}  // namespace vico::worker
