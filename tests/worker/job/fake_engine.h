// An engine without tensors, whose behaviour the test defines.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "common/clock.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tiny_png.h"
#include "worker/engine/engine.h"
#include "worker/engine/generation_pictures.h"
#include "worker/job/retry.h"

namespace vico::worker {

class FakeEngine final : public Engine {
 public:
  std::function<absl::StatusOr<TrainedAdapter>(
      const v1::TrainSpec&, const std::vector<std::string>&, const TrainCallbacks&)>
      train = [](const auto&, const auto&, const auto&) -> absl::StatusOr<TrainedAdapter> {
    return TrainedAdapter{.safetensors = "adapter"};
  };
  std::function<absl::StatusOr<bool>(const v1::GenerateSpec&, const GenerationInputs&,
                                     const GenerateCallbacks&)>
      generate = [](const auto& spec, const auto&, const auto& callbacks) -> absl::StatusOr<bool> {
    for (int i = 0; i < PictureCount(spec); ++i) {
      callbacks.on_picture(
          i, {.bytes = TinyPng("picture " + std::to_string(i)), .width = 64, .height = 64});
    }
    return true;
  };

  std::function<absl::StatusOr<EvaluatedAdapter>(const v1::EvaluateSpec&, const AdapterSource&,
                                                 const std::vector<std::string>&,
                                                 const EvaluateCallbacks&)>
      evaluate = [](const auto& spec, const auto&, const auto&,
                    const auto&) -> absl::StatusOr<EvaluatedAdapter> {
    EvaluatedAdapter evaluated;
    *evaluated.report.mutable_prompts() = spec.prompts();
    evaluated.sheet = {.bytes = TinyPng("sheet"), .width = 64, .height = 64};
    return evaluated;
  };

  std::string added_tokens;  // of its base model

  std::vector<BaseModelOffer> offers() const override {
    BaseModelOffer offer;
    offer.base_model.set_name("baseModels/toyworld");
    offer.vocabulary = "{}";
    offer.merges = "#version";
    offer.added_tokens = added_tokens;
    return {offer};
  }
  std::string device() const override { return "cpu"; }
  int devices() const override { return device_count; }
  int most_generations() const override { return generations; }
  absl::StatusOr<TrainedAdapter> Train(const v1::TrainSpec& spec,
                                       const std::vector<std::string>& pictures,
                                       const TrainCallbacks& callbacks) override {
    return train(spec, pictures, callbacks);
  }
  absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec, const GenerationInputs& inputs,
                                const GenerateCallbacks& callbacks) override {
    return generate(spec, inputs, callbacks);
  }
  absl::StatusOr<EvaluatedAdapter> Evaluate(const v1::EvaluateSpec& spec,
                                            const AdapterSource& adapter,
                                            const std::vector<std::string>& pictures,
                                            const EvaluateCallbacks& callbacks) override {
    return evaluate(spec, adapter, pictures, callbacks);
  }
  EngineLoad load() const override { return {.loaded_adapters = loaded_adapters()}; }
  absl::Status Ready() override {
    on_start();
    return ready;
  }
  absl::Status Restart() override {
    on_start();
    ++restarts;
    return absl::OkStatus();
  }

  std::function<int()> loaded_adapters = [] { return 0; };
  std::function<void()> on_start = [] {};  ///< called by Ready() and Restart()
  absl::Status ready;
  int restarts = 0;
  int device_count = 1;
  int generations = 1;
};

/// Advances the clock instead of waiting. Any thread.
class FakePause final : public Pause {
 public:
  explicit FakePause(FakeClock& clock) : clock_(clock) {}

  bool For(absl::Duration duration, std::stop_token stop) override {
    clock_.Advance(duration);
    const std::lock_guard lock(mutex_);
    waits.push_back(duration);
    return !stop.stop_requested();
  }

  std::vector<absl::Duration> waits;  // read it when nobody waits

 private:
  FakeClock& clock_;
  std::mutex mutex_;  // guards waits
};

}  // namespace vico::worker
