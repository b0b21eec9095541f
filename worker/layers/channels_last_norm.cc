#include "worker/layers/channels_last_norm.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>

#include "worker/layers/norm_kernel.h"

namespace vico::worker {
namespace {

// Pixels that are summed in fp32: with more of them the sum of a large mean loses digits.
constexpr int64_t kBlockRows = 64;

// Runs work(0) .. work(count - 1), on several threads if there are many numbers. LibTorch's own
// pool serves only what is compiled with its OpenMP.
void ForEachBlock(int64_t count, int64_t numbers, const std::function<void(int64_t)>& work) {
  constexpr int64_t kLeast = 1 << 20;  // numbers that are worth the start of a thread
  const int64_t threads = std::clamp<int64_t>(numbers / kLeast, 1, at::get_num_threads());
  const auto run = [&](int64_t thread) {
    for (int64_t i = thread * count / threads; i < (thread + 1) * count / threads; ++i) work(i);
  };
  std::vector<std::jthread> others;
  for (int64_t thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
  run(0);
}

template <typename Number>
class Norm {
 public:
  Norm(const Number* x, at::IntArrayRef sizes, int64_t groups)
      : x_(x),
        pictures_(sizes[0]),
        channels_(sizes[1]),
        rows_(sizes[2] * sizes[3]),
        groups_(groups),
        blocks_((rows_ + kBlockRows - 1) / kBlockRows),
        mean_(static_cast<size_t>(pictures_ * channels_)),
        scale_(mean_.size()) {}

  void Run(const float* weight, const float* bias, double eps, Number* y) {
    FillEachGroup(mean_, Sums([&](int64_t i, float* sums) { SumRows(Block(i), sums); }),
                  [](double mean) { return mean; });
    const auto squares = Sums(
        [&](int64_t i, float* sums) { SumSquares(Block(i), mean_.data() + Channels(i), sums); });
    FillEachGroup(scale_, squares, [&](double variance) { return 1 / std::sqrt(variance + eps); });
    for (size_t i = 0; i < scale_.size(); ++i) {
      scale_[i] *= weight[i % static_cast<size_t>(channels_)];
    }
    ForEachBlock(pictures_ * blocks_, Numbers(), [&](int64_t i) {
      const NormCoefficients norm = {
          .mean = mean_.data() + Channels(i), .scale = scale_.data() + Channels(i), .bias = bias};
      const PixelRows<Number> block = Block(i);
      Normalize(block, norm, y + (block.x - x_));
    });
  }

 private:
  int64_t Numbers() const { return pictures_ * rows_ * channels_; }

  // The blocks of the first picture come first.
  PixelRows<Number> Block(int64_t i) const {
    const int64_t begin = i % blocks_ * kBlockRows;
    return {.x = x_ + (i / blocks_ * rows_ + begin) * channels_,
            .rows = std::min(kBlockRows, rows_ - begin),
            .channels = channels_};
  }

  // Where the channels of a block's picture begin in mean_ and scale_.
  int64_t Channels(int64_t block) const { return block / blocks_ * channels_; }

  // [pictures * blocks, channels]
  std::vector<float> Sums(const std::function<void(int64_t, float*)>& of_block) const {
    std::vector<float> sums(static_cast<size_t>(pictures_ * blocks_ * channels_));
    ForEachBlock(pictures_ * blocks_, Numbers(),
                 [&](int64_t i) { of_block(i, sums.data() + i * channels_); });
    return sums;
  }

  // all[p, c] = make(mean of the sums over c's group in picture p)
  template <typename Make>
  void FillEachGroup(std::vector<float>& all, const std::vector<float>& sums, const Make& make) {
    const int64_t width = channels_ / groups_;
    for (int64_t i = 0; i < pictures_ * groups_; ++i) {
      const int64_t picture = i / groups_;
      const int64_t first = i % groups_ * width;
      double sum = 0;
      for (int64_t block = picture * blocks_; block < (picture + 1) * blocks_; ++block) {
        const float* const of_block = sums.data() + block * channels_ + first;
        for (int64_t c = 0; c < width; ++c) sum += of_block[c];
      }
      const double mean = sum / static_cast<double>(rows_ * width);
      std::fill_n(all.begin() + picture * channels_ + first, width, static_cast<float>(make(mean)));
    }
  }

  const Number* x_;
  int64_t pictures_, channels_, rows_, groups_, blocks_;
  std::vector<float> mean_, scale_;  // [pictures, channels]
};

}  // namespace

bool IsChannelsLast(const at::Tensor& x) {
  const bool type = x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
  return type && x.is_cpu() && x.dim() == 4 && x.numel() > 0 && !x.is_contiguous() &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor ChannelsLastNorm(const at::Tensor& x, int64_t groups, const at::Tensor& weight,
                            const at::Tensor& bias, double eps) {
  auto y = at::empty_like(x);
  const auto run = [&](const auto* from, auto* to) {
    Norm(from, x.sizes(), groups).Run(weight.data_ptr<float>(), bias.data_ptr<float>(), eps, to);
  };
  if (x.scalar_type() == at::kFloat) {
    run(x.data_ptr<float>(), y.data_ptr<float>());
  } else {
    run(reinterpret_cast<const uint16_t*>(x.data_ptr<at::BFloat16>()),
        reinterpret_cast<uint16_t*>(y.data_ptr<at::BFloat16>()));
  }
  return y;
}

}  // namespace vico::worker
