// Fixture: the engine on a tiny base model with random weights, and recorded callbacks.
#pragma once

#include <atomic>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/sha256.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_base.h"
#include "worker/torch_engine/torch_engine.h"

namespace vico::worker {

inline std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class TorchEngineTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder();
    base_ = folder_->path() + "/tiny";
    ASSERT_THAT(WriteTinyBase(base_, 3), IsOk());
    auto engine = OpenTorchEngine(
        {.base_models = {base_}, .device = "cpu", .threads = 1, .code_version = "test"},
        Log::Off());
    ASSERT_THAT(engine, IsOk());
    engine_ = engine->release();
    for (const char* name : {"beach", "brick", "grass"}) {
      pictures_.push_back(FileBytes(std::string("examples/mug/") + name + ".png"));
    }
  }
  static void TearDownTestSuite() {
    delete engine_;
    delete folder_;
    pictures_.clear();
  }

  TorchEngineTest() {
    train_.set_base_model("baseModels/tiny");
    train_.set_init_word("mug");
    train_.set_placeholder("S*");
    train_.set_dialect(v1::DIALECT_PAPER);
    train_.set_steps(5);
    train_.set_batch_size(2);
    train_.set_embedding_learning_rate(5e-3);
    train_.set_attention_learning_rate(1e-3);
    train_.set_regularizer_weight(5e-4);
    train_.set_mask(true);
    train_.set_sample_every_steps(2);
    train_.set_sample_prompt("a photo of S*");
    train_.set_seed(11);

    generate_.set_base_model("baseModels/tiny");
    generate_.set_prompt("a photo of S*");
    generate_.set_guidance_scale(3);
    generate_.set_scheduler("ddim");
    generate_.set_steps(3);
    generate_.set_width(64);
    generate_.set_height(64);
    generate_.add_seeds(5);

    shows_.on_step = [this](const TrainStep& step) {
      steps_.push_back(step);
      return static_cast<int64_t>(steps_.size()) < stop_after_;
    };
    shows_.keep_going = [] { return true; };
    shows_.on_sample = [this](const TrainingSample& sample) {
      samples_[sample.step] = sample.picture;
    };
    shows_.on_mask = [this](const LearnedMask& mask) { masks_.push_back(mask); };
    shows_.on_warning = [](const std::string&, const std::string&) {};
    draws_.on_step = [](int64_t, int64_t) { return true; };
    draws_.on_preview = [this](int index, int64_t step, const PngPicture&) {
      previews_.emplace_back(index, step);
    };
    draws_.on_picture = [this](int index, const PngPicture& picture) {
      drawn_[index] = picture.bytes;
    };
    draws_.on_warning = [](const std::string&, const std::string&) {};
  }

  absl::StatusOr<TrainedAdapter> Train() { return engine_->Train(train_, pictures_, shows_); }

  /// A source of a trained adapter, which counts its fetches.
  AdapterSource SourceOf(const TrainedAdapter& trained) {
    AdapterSource source;
    source.adapter.set_name("adapters/1");
    source.adapter.mutable_blob()->set_sha256(Sha256Hex(trained.safetensors));
    source.adapter.mutable_reference()->set_sha256(Sha256Hex(pictures_[0]));
    source.fetch = [this, trained]() -> absl::StatusOr<AdapterBytes> {
      ++fetched_;
      return AdapterBytes{.safetensors = trained.safetensors, .reference = pictures_[0]};
    };
    return source;
  }

  static inline TempFolder* folder_ = nullptr;
  static inline Engine* engine_ = nullptr;
  static inline std::string base_;
  static inline std::vector<std::string> pictures_;

  v1::TrainSpec train_;
  v1::GenerateSpec generate_;
  TrainCallbacks shows_;
  GenerateCallbacks draws_;
  int64_t stop_after_ = 1000;
  std::atomic<int> fetched_ = 0;
  std::vector<TrainStep> steps_;
  std::map<int64_t, PngPicture> samples_;
  std::vector<LearnedMask> masks_;
  std::vector<std::pair<int, int64_t>> previews_;
  std::map<int, std::string> drawn_;
};

}  // namespace vico::worker
