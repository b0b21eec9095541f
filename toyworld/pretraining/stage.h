// What the training stages of the tiny base share: options, drawn batches and the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <opencv2/core.hpp>

#include "toyworld/scorer/ahead.h"

namespace vico::toyworld {

struct StageOptions {
  std::string directory;  ///< for checkpoints, logs and contact sheets; created if missing
  int64_t steps = 1000;   ///< total; the learning rate falls towards the last
  int threads = 2;        ///< replicas, one compute thread each
  int batch = 16;         ///< pictures for each replica and step
  at::Device device = at::kCPU;
  int drawing_threads = 0;   ///< for each replica, draw ahead; 0: its compute thread draws
  std::vector<int> classes;  ///< indices of the drawn classes; empty: all
  double save_minutes = 3;   ///< between checkpoints
  double learning_rate = 0;  ///< the peak; 0: the stage's default
  std::string start_from;    ///< base model with the initial weights; empty: random weights
};

struct Batch {
  at::Tensor bytes;  ///< [n, 64, 64, 3] uint8
  std::vector<std::string> captions;

  /// [n, 3, 64, 64] fp32, -1..1.
  at::Tensor Pictures(const at::Device& device) const;
};

/// Draws a batch; a function of the arguments.
Batch DrawBatch(uint64_t seed, int n, const std::vector<int>& classes);

/// [n, 4, 16, 16].
std::vector<int64_t> LatentShape(int64_t n);

/// Sources of `draw(step, replica)`, one for each replica, from step `first` on.
template <typename T>
std::vector<std::unique_ptr<Ahead<T>>> DrawAhead(
    const StageOptions& options, int64_t first,
    const std::function<T(uint64_t step, uint64_t replica)>& draw) {
  std::vector<std::unique_ptr<Ahead<T>>> sources;
  for (int i = 0; i < options.threads; ++i) {
    const auto replica = static_cast<uint64_t>(i);
    sources.push_back(std::make_unique<Ahead<T>>(
        [draw, replica](int64_t step) { return draw(static_cast<uint64_t>(step), replica); }, first,
        options.drawing_threads));
  }
  return sources;
}

/// A seed for one purpose, step and replica.
uint64_t MixSeed(uint64_t purpose, uint64_t step, uint64_t replica = 0);

/// [n, 3, h, w] in -1..1 -> n pictures [h, w, 3] uint8 RGB.
std::vector<cv::Mat> ToPictures(const at::Tensor& pictures);

/// Rises linearly for `warmup` steps, is constant, and falls along a cosine from `hold` (share of
/// all steps) to `floor` times the peak.
double LearningRate(double peak, int64_t step, int64_t steps, int64_t warmup, double hold,
                    double floor);

/// Appends lines to <directory>/<name>.log and stdout, and tells when a checkpoint is due.
class StageLog {
 public:
  StageLog(const StageOptions& options, const std::string& name);
  void Line(const std::string& text);
  bool TimeToSave();  ///< true once every `save_minutes`
  double Seconds() const;

 private:
  std::string path_;
  double save_seconds_;
  std::chrono::steady_clock::time_point start_, saved_;
};

/// True after SIGTERM or SIGINT: the stage should save and return.
bool StopRequested();
void CatchStopSignals();

}  // namespace vico::toyworld
