// A resumed training draws the same samples and ends with the same adapter as an uninterrupted one.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/worker/torch_engine/torch_engine_fixture.h"
#include "worker/io/image.h"

namespace vico::worker {
namespace {

// Interrupted after each of forty steps, a training ends with the bits of an uninterrupted one.
TEST_F(TorchEngineTest, ATrainingResumesFromAnyStepWithTheSameBits) {
  constexpr int64_t kSteps = 40;
  train_.set_steps(kSteps);
  train_.set_sample_every_steps(0);
  std::vector<std::string> kept;
  shows_.wants_checkpoint = [](int64_t, bool) { return true; };
  shows_.on_checkpoint = [&](const TrainCheckpoint& checkpoint) {
    EXPECT_EQ(checkpoint.step, static_cast<int64_t>(kept.size()) + 1);
    const auto bytes = checkpoint.serialize();
    ASSERT_THAT(bytes, IsOk());
    kept.push_back(*bytes);
  };
  const auto whole = Train();
  ASSERT_THAT(whole, IsOk());
  ASSERT_EQ(kept.size(), static_cast<size_t>(kSteps));
  const std::vector<TrainStep> undisturbed = std::exchange(steps_, {});

  shows_.wants_checkpoint = nullptr;
  for (int64_t step = 1; step <= kSteps; ++step) {
    steps_.clear();
    std::vector<double> losses;
    shows_.checkpoints = {
        {.step = step, .fetch = [&] { return kept[static_cast<size_t>(step - 1)]; }}};
    shows_.on_resumed = [&](int64_t after, const std::vector<double>& done) {
      EXPECT_EQ(after, step);
      losses = done;
    };
    const auto resumed = Train();
    ASSERT_THAT(resumed, IsOk());
    EXPECT_EQ(Sha256Hex(resumed->safetensors), Sha256Hex(whole->safetensors)) << step;
    EXPECT_EQ(steps_.size(), static_cast<size_t>(kSteps - step)) << step;
    ASSERT_EQ(losses.size(), static_cast<size_t>(step));
    for (size_t i = 0; i < losses.size(); ++i) EXPECT_EQ(losses[i], undisturbed[i].loss) << i;
  }
}

TEST_F(TorchEngineTest, ABrokenOrForeignCheckpointIsSkipped) {
  std::string good;
  shows_.wants_checkpoint = [](int64_t step, bool) { return step == 2; };
  shows_.on_checkpoint = [&](const TrainCheckpoint& checkpoint) { good = *checkpoint.serialize(); };
  const auto whole = Train();
  ASSERT_THAT(whole, IsOk());
  train_.set_regularizer_weight(1e-3);
  std::string other;
  shows_.on_checkpoint = [&](const TrainCheckpoint& checkpoint) {
    other = *checkpoint.serialize();
  };
  ASSERT_THAT(Train(), IsOk());
  train_.set_regularizer_weight(5e-4);

  std::vector<std::string> warnings;
  shows_.on_warning = [&](const std::string& reason, const std::string& message) {
    EXPECT_EQ(reason, "CHECKPOINT_PASSED_OVER");
    warnings.push_back(message);
  };
  const auto gives = [](std::string bytes) { return [bytes] { return bytes; }; };
  const auto torn = good.substr(0, good.size() - 1);
  const auto missing = []() -> absl::StatusOr<std::string> { return absl::NotFoundError("gone"); };
  shows_.checkpoints = {{5, missing}, {4, gives(torn)}, {3, gives(other)}, {2, gives(good)}};
  steps_.clear();
  const auto resumed = Train();
  ASSERT_THAT(resumed, IsOk());
  EXPECT_EQ(steps_.size(), 3u);
  EXPECT_EQ(Sha256Hex(resumed->safetensors), Sha256Hex(whole->safetensors));
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_THAT(warnings[0], testing::HasSubstr("step 5 was not used: gone"));
  EXPECT_THAT(warnings[2], testing::HasSubstr("checkpoint: training is"));

  shows_.checkpoints.pop_back();  // no usable checkpoint: repeats all five steps
  steps_.clear();
  const auto anew = Train();
  ASSERT_THAT(anew, IsOk());
  EXPECT_EQ(steps_.size(), 5u);
  EXPECT_EQ(Sha256Hex(anew->safetensors), Sha256Hex(whole->safetensors));
}

TEST_F(TorchEngineTest, ATrainingStopsAfterTheStepWhoseCallbackReturnsFalse) {
  stop_after_ = 2;

  const auto trained = Train();

  ASSERT_THAT(trained, IsOk());
  EXPECT_TRUE(trained->stopped);
  EXPECT_EQ(steps_.size(), 2u);
  EXPECT_TRUE(samples_.empty());
}

TEST_F(TorchEngineTest, ATrainingStopsDuringASample) {
  int asked = 0;
  shows_.keep_going = [&] { return ++asked < 2; };

  const auto trained = Train();

  ASSERT_THAT(trained, IsOk());
  EXPECT_TRUE(trained->stopped);
  EXPECT_EQ(steps_.size(), 2u);
  EXPECT_TRUE(samples_.empty());
}

TEST_F(TorchEngineTest, ATrainingThatFinishesEarlyHasTheAdapterOfItsSteps) {
  train_.set_sample_every_steps(2);
  shows_.wants_checkpoint = [](int64_t, bool) { return false; };
  shows_.finishes_early = [this] { return steps_.size() == 3; };
  const auto early = Train();
  ASSERT_THAT(early, IsOk());
  EXPECT_FALSE(early->stopped);
  EXPECT_EQ(steps_.size(), 3u);
  EXPECT_THAT(samples_, testing::SizeIs(2)) << "of steps 2 and 3";
  EXPECT_EQ(masks_.back().step, 3);

  shows_.finishes_early = nullptr;
  steps_.clear();
  train_.set_steps(3);
  const auto planned = Train();
  ASSERT_THAT(planned, IsOk());
  // The specs in the metadata differ.
  const auto tensors_of = [](const std::string& file) {
    return file.substr(file.size() - file.size() / 2);
  };
  EXPECT_EQ(Sha256Hex(tensors_of(early->safetensors)), Sha256Hex(tensors_of(planned->safetensors)));
  EXPECT_THAT(early->safetensors, testing::HasSubstr("\"steps\":\"3\""));
}

// A sample that is being drawn when the training is to finish is not drawn again.
TEST_F(TorchEngineTest, ATrainingFinishesAfterASample) {
  shows_.finishes_early = [this] { return !samples_.empty(); };
  int drawn = 0;
  const auto record = shows_.on_sample;
  shows_.on_sample = [&](const TrainingSample& sample) {
    ++drawn;
    record(sample);
  };
  const auto trained = Train();
  ASSERT_THAT(trained, IsOk());
  EXPECT_FALSE(trained->stopped);
  EXPECT_EQ(steps_.size(), 2u);
  EXPECT_EQ(drawn, 1);
}

// Stopped after a step or during the sample, by a drain that takes a checkpoint.
TEST_F(TorchEngineTest, APendingSampleIsDrawnOnResume) {
  const auto whole = Train();
  ASSERT_THAT(whole, IsOk());
  const auto undisturbed = std::exchange(samples_, {});
  ASSERT_THAT(undisturbed, testing::SizeIs(3)) << "of steps 2, 4 and 5";

  for (const bool in_the_middle : {true, false}) {
    std::string kept;
    shows_.wants_checkpoint = [](int64_t, bool stopping) { return stopping; };
    shows_.on_checkpoint = [&](const TrainCheckpoint& checkpoint) {
      EXPECT_EQ(checkpoint.step, 2);
      kept = *checkpoint.serialize();
    };
    int asked = 0;
    shows_.keep_going = [&] { return ++asked < 2; };
    stop_after_ = in_the_middle ? 1000 : 2;
    steps_.clear();
    samples_.clear();
    const auto stopped = Train();
    ASSERT_THAT(stopped, IsOk());
    ASSERT_TRUE(stopped->stopped);
    EXPECT_THAT(samples_, testing::IsEmpty());

    shows_.keep_going = [] { return true; };
    stop_after_ = 1000;
    shows_.checkpoints = {{.step = 2, .fetch = [&] { return kept; }}};
    const auto resumed = Train();
    shows_.checkpoints.clear();
    ASSERT_THAT(resumed, IsOk());
    EXPECT_EQ(Sha256Hex(resumed->safetensors), Sha256Hex(whole->safetensors));
    ASSERT_THAT(samples_, testing::SizeIs(3));
    for (const auto& [step, picture] : undisturbed) {
      EXPECT_EQ(samples_[step].bytes, picture.bytes) << step;
    }
  }
}

TEST_F(TorchEngineTest, ADrawnSampleIsNotDrawnAgain) {
  std::string kept;
  shows_.wants_checkpoint = [](int64_t step, bool) { return step == 2; };
  shows_.on_checkpoint = [&](const TrainCheckpoint& checkpoint) { kept = *checkpoint.serialize(); };
  ASSERT_THAT(Train(), IsOk());
  samples_.clear();
  shows_.checkpoints = {{.step = 2, .fetch = [&] { return kept; }}};
  ASSERT_THAT(Train(), IsOk());
  EXPECT_THAT(samples_, testing::SizeIs(2)) << "of steps 4 and 5";
}

// A checkpoint from before the field is one of the default, and one of another resizing is not.
TEST_F(TorchEngineTest, ACheckpointBelongsToItsResizing) {
  std::string kept;
  shows_.wants_checkpoint = [](int64_t step, bool) { return step == 3; };
  shows_.on_checkpoint = [&](const TrainCheckpoint& checkpoint) { kept = *checkpoint.serialize(); };
  ASSERT_THAT(Train(), IsOk());  // without the field
  shows_.wants_checkpoint = nullptr;
  shows_.checkpoints = {{.step = 3, .fetch = [&] { return kept; }}};
  for (const auto& [resize, resumes] :
       {std::pair(v1::RESIZE_UNSPECIFIED, true), std::pair(v1::RESIZE_SQUEEZE, true),
        std::pair(v1::RESIZE_CROP, false), std::pair(v1::RESIZE_PAD, false)}) {
    steps_.clear();
    train_.set_resize(resize);
    ASSERT_THAT(Train(), IsOk());
    EXPECT_EQ(steps_.size(), resumes ? 2u : 5u) << resize;
  }
}

// examples/mug's pictures are square; half of one is not.
TEST_F(TorchEngineTest, TheResizingOfATrainingChangesItAndItsReference) {
  const Pixels whole = *DecodePng(pictures_[0]);
  Pixels half = whole;
  half.height /= 2;
  half.rgb.resize(half.rgb.size() / 2);
  auto pictures = pictures_;
  pictures[0] = *EncodePng(half);
  train_.set_sample_every_steps(0);
  std::set<std::string> drawn;
  std::set<double> losses;
  for (const auto resize : {v1::RESIZE_SQUEEZE, v1::RESIZE_CROP, v1::RESIZE_PAD}) {
    steps_.clear();
    train_.set_resize(resize);
    const auto trained = engine_->Train(train_, pictures, shows_);
    ASSERT_THAT(trained, IsOk());
    for (const TrainStep& step : steps_) losses.insert(step.loss);
    AdapterSource source = SourceOf(*trained);
    source.fetch = [&] {
      return AdapterBytes{.safetensors = trained->safetensors, .reference = pictures[0]};
    };
    ASSERT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_), IsOk());
    drawn.insert(Sha256Hex(drawn_.at(0)));
  }
  EXPECT_EQ(drawn.size(), 3u);
  EXPECT_GT(losses.size(), 10u);
}

}  // namespace
}  // namespace vico::worker
