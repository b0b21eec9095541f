#include "worker/torch_engine/mask_figures.h"

#include "worker/train/trainer.h"

namespace vico::worker {
namespace {

constexpr int64_t kTimesteps = 5;

std::vector<int64_t> MiddlesOfFifths(int64_t num_train_timesteps) {
  std::vector<int64_t> timesteps;
  for (int64_t i = 0; i < kTimesteps; ++i) {
    timesteps.push_back(num_train_timesteps * (2 * i + 1) / (2 * kTimesteps));
  }
  return timesteps;
}

}  // namespace

double MeanIou(const std::vector<torch::Tensor>& masks) {
  double sum = 0;
  int pairs = 0;
  for (size_t i = 0; i < masks.size(); ++i) {
    for (size_t j = i + 1; j < masks.size(); ++j) {
      const auto both = masks[i].logical_and(masks[j]).sum().item<int64_t>();
      const auto either = masks[i].logical_or(masks[j]).sum().item<int64_t>();
      sum += either == 0 ? 1 : static_cast<double>(both) / static_cast<double>(either);
      ++pairs;
    }
  }
  return sum / pairs;
}

std::optional<MaskFigures> MeasureMasks(Base& base, Adapter& adapter, Dialect dialect,
                                        const torch::Tensor& pictures01,
                                        const std::function<bool()>& keep_going) {
  const std::vector<int64_t> timesteps =
      MiddlesOfFifths(base.schedule.config().num_train_timesteps);
  const auto pictures = static_cast<double>(pictures01.size(0));
  const std::string finest = adapter->site_names().back();
  MaskFigures figures;
  for (int64_t i = 0; i < pictures01.size(0); ++i) {
    if (!keep_going()) return std::nullopt;
    std::vector<torch::Tensor> masks;
    for (const PictureMask& found :
         LearnedMasks(base, adapter, pictures01.narrow(0, i, 1), dialect, timesteps)) {
      if (found.site != finest) continue;
      masks.push_back(found.mask);
      figures.coverage += found.coverage / static_cast<double>(timesteps.size()) / pictures;
    }
    figures.stability += MeanIou(masks) / pictures;
  }
  return figures;
}

}  // namespace vico::worker
