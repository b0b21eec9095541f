#include "toyworld/pretraining/stage.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "toyworld/world/random.h"
#include "toyworld/world/world.h"

namespace vico::toyworld {
namespace {

std::atomic<bool> stop_requested = false;  // set by the signal handler

}  // namespace

uint64_t MixSeed(uint64_t purpose, uint64_t step, uint64_t replica) {
  Random random(purpose * 0x2545f4914f6cdd1dULL ^ step * 0x9e3779b97f4a7c15ULL ^ replica);
  return random.Next();
}

std::vector<int64_t> LatentShape(int64_t n) { return {n, 4, 16, 16}; }

Batch DrawBatch(uint64_t seed, int n, const std::vector<int>& classes) {
  Batch batch;
  batch.bytes = at::empty({n, kSide, kSide, 3}, at::kByte);
  for (int i = 0; i < n; ++i) {
    Random random(MixSeed(seed, static_cast<uint64_t>(i)));
    Drawing drawing;
    if (classes.empty()) {
      drawing = DrawCaptioned(random.Next());
    } else {
      const int toy_class =
          classes[static_cast<size_t>(random.Below(static_cast<int>(classes.size())))];
      const Instance instance = RandomInstance(random, toy_class);
      drawing = DrawCaptioned(instance, random.Next());
    }
    const cv::Mat image = drawing.image.isContinuous() ? drawing.image : drawing.image.clone();
    batch.bytes[i].copy_(at::from_blob(image.data, {kSide, kSide, 3}, at::kByte));
    batch.captions.push_back(drawing.caption);
  }
  return batch;
}

at::Tensor Batch::Pictures(const at::Device& device) const {
  const auto floats = bytes.to(device).permute({0, 3, 1, 2}).to(at::kFloat);
  return floats.div(127.5).sub(1.0).contiguous();
}

std::vector<cv::Mat> ToPictures(const at::Tensor& pictures) {
  const auto bytes = pictures.detach()
                         .add(1.0)
                         .mul(127.5)
                         .round()
                         .clamp(0, 255)
                         .to(at::kByte)
                         .to(at::kCPU)
                         .permute({0, 2, 3, 1})
                         .contiguous();
  std::vector<cv::Mat> result;
  for (int64_t i = 0; i < bytes.size(0); ++i) {
    const auto one = bytes[i];
    result.push_back(cv::Mat(static_cast<int>(one.size(0)), static_cast<int>(one.size(1)), CV_8UC3,
                             one.data_ptr<uint8_t>())
                         .clone());
  }
  return result;
}

double LearningRate(double peak, int64_t step, int64_t steps, int64_t warmup, double hold,
                    double floor) {
  if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double done = static_cast<double>(step) / static_cast<double>(steps);
  if (done < hold) return peak;
  const double x = std::min(1.0, (done - hold) / (1 - hold));
  return peak * (floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * x)));
}

StageLog::StageLog(const StageOptions& options, const std::string& name)
    : path_(options.directory + "/" + name + ".log"),
      save_seconds_(options.save_minutes * 60),
      start_(std::chrono::steady_clock::now()),
      saved_(start_) {
  std::filesystem::create_directories(options.directory);
}

void StageLog::Line(const std::string& text) {
  std::ofstream(path_, std::ios::app) << text << "\n";
  std::puts(text.c_str());
  std::fflush(stdout);
}

bool StageLog::TimeToSave() {
  const auto now = std::chrono::steady_clock::now();
  if (std::chrono::duration<double>(now - saved_).count() < save_seconds_) return false;
  saved_ = now;
  return true;
}

double StageLog::Seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

bool StopRequested() { return stop_requested; }

void CatchStopSignals() {
  const auto handler = [](int) { stop_requested = true; };
  std::signal(SIGTERM, handler);
  std::signal(SIGINT, handler);
}

}  // namespace vico::toyworld
