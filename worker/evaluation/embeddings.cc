#include "worker/evaluation/embeddings.h"

#include <utility>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::worker {

absl::StatusOr<torch::Tensor> Embeddings(const std::vector<Pixels>& pictures,
                                         const EmbedPicture& embed,
                                         const std::function<bool()>& keep_going) {
  std::vector<torch::Tensor> rows;
  for (const Pixels& picture : pictures) {
    if (!keep_going()) return absl::CancelledError("the measuring was stopped");
    ASSIGN_OR_RETURN(torch::Tensor row, embed(picture));
    rows.push_back(std::move(row));
  }
  return torch::cat(rows);
}

PictureFigure FigureOf(std::string name, const torch::Tensor& values) {
  const torch::Tensor numbers = values.to(torch::kDouble).contiguous();
  const double* const first = numbers.data_ptr<double>();
  return {.name = std::move(name), .values = {first, first + numbers.numel()}};
}

std::string VisionName(const VisionConfig& config) {
  struct Size {
    const char* name;
    int64_t width, layers;
  };
  // arXiv:2010.11929, table 1; the smaller ones are DeiT's.
  constexpr Size kSizes[] = {{"ViT-Ti", 192, 12},
                             {"ViT-S", 384, 12},
                             {"ViT-B", 768, 12},
                             {"ViT-L", 1024, 24},
                             {"ViT-H", 1280, 32}};
  for (const Size& size : kSizes) {
    if (config.hidden_size == size.width && config.num_hidden_layers == size.layers) {
      return fmt::format("{}/{}", size.name, config.patch_size);
    }
  }
  return fmt::format("ViT {} wide/{}", config.hidden_size, config.patch_size);
}

}  // namespace vico::worker
