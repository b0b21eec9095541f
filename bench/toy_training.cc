#include "bench/toy_training.h"

#include "worker/personalize/draws.h"

namespace vico::bench {

torch::Tensor ToyPictures() {
  return worker::DrawNormal({2, 3, 64, 64}, 4, worker::Purpose::kNoise)
      .mul(0.2)
      .add(0.5)
      .clamp(0, 1);
}

worker::TrainOptions ToyOptions(int64_t steps) {
  worker::TrainOptions options;
  options.steps = steps;
  options.batch_size = 2;
  options.embedding_learning_rate = 0.01;
  options.attention_learning_rate = 0.002;
  options.start = worker::BlockStart::kSelfAttention;
  options.init_word = "robot";
  options.seed = 11;
  return options;
}

double RelativeError(const torch::Tensor& a, const torch::Tensor& b) {
  const auto wide = [](const torch::Tensor& x) { return x.detach().cpu().to(at::kDouble); };
  return ((wide(a) - wide(b)).norm() / wide(b).norm()).item<double>();
}

}  // namespace vico::bench
