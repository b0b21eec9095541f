// A training that continues an adapter: from the last checkpoint of its training with the bits of a
// longer one, else from its weights.
#include <string>
#include <utility>
#include <vector>

#include "tests/worker/torch_engine/torch_engine_fixture.h"
#include "worker/io/tensors.h"

namespace vico::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kFirstSteps = 5;
constexpr int kAllSteps = 9;

/// The tensors of an adapter file; its metadata have the training's spec.
TensorMap TensorsOf(const std::string& safetensors) {
  return ReadTensors(SafetensorsFile::FromBytes(safetensors, "adapter").value());
}

bool AreEqual(const std::string& a, const std::string& b) {
  const TensorMap x = TensorsOf(a), y = TensorsOf(b);
  if (x.size() != y.size()) return false;
  for (const auto& [name, tensor] : x) {
    if (!y.contains(name) || !torch::equal(tensor, y.at(name))) return false;
  }
  return true;
}

class EngineContinueTest : public TorchEngineTest {
 protected:
  EngineContinueTest() {
    train_.set_sample_every_steps(0);
    shows_.on_warning = [this](const std::string& reason, const std::string&) {
      warnings_.push_back(reason);
    };
    shows_.on_checkpoint = [this](const TrainCheckpoint& checkpoint) {
      checkpoint_ = checkpoint.serialize().value();
    };
  }

  /// A training of its own, with a checkpoint after step `kept`.
  std::string TrainAnew(int steps, int kept) {
    steps_.clear();
    train_.set_steps(steps);
    shows_.wants_checkpoint = [kept](int64_t step, bool) { return step == kept; };
    const auto trained = Train();
    EXPECT_THAT(trained, IsOk());
    shows_.wants_checkpoint = nullptr;
    return trained.ok() ? trained->safetensors : "";
  }

  /// Continues `adapter` after kFirstSteps up to kAllSteps.
  absl::StatusOr<TrainedAdapter> Continue(const std::string& adapter) {
    steps_.clear();
    train_.set_steps(kAllSteps);
    train_.set_continued_adapter("adapters/first");
    train_.set_continued_steps(kFirstSteps);
    shows_.fetch_continued = [this, adapter]() -> absl::StatusOr<std::string> {
      ++fetched_;
      return adapter;
    };
    shows_.on_resumed = [this](int64_t step, const std::vector<double>& losses) {
      resumed_at_ = step;
      resumed_losses_ = losses;
    };
    return Train();
  }

  void Offer(int64_t step, const std::string& bytes) {
    shows_.checkpoints.push_back({.step = step, .fetch = [bytes] { return bytes; }});
  }

  std::string checkpoint_;
  std::vector<std::string> warnings_;
  int64_t resumed_at_ = 0;
  std::vector<double> resumed_losses_;
};

TEST_F(EngineContinueTest, ATrainingAndItsContinuationEndWithTheBitsOfALongerTraining) {
  const std::string whole = TrainAnew(kAllSteps, 0);
  const std::vector<TrainStep> all = steps_;
  const std::string first = TrainAnew(kFirstSteps, kFirstSteps);
  Offer(kFirstSteps, checkpoint_);

  const auto continued = Continue(first);

  ASSERT_THAT(continued, IsOk());
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(fetched_, 0) << "the adapter's file";
  EXPECT_EQ(resumed_at_, kFirstSteps);
  EXPECT_EQ(resumed_losses_.size(), size_t{kFirstSteps});
  EXPECT_EQ(steps_.front().step, kFirstSteps + 1);
  for (size_t i = 0; i < steps_.size(); ++i) {
    EXPECT_EQ(steps_[i].loss, all[kFirstSteps + i].loss) << i;
  }
  EXPECT_TRUE(AreEqual(continued->safetensors, whole));
  EXPECT_FALSE(AreEqual(continued->safetensors, first));
  EXPECT_THAT(continued->safetensors, HasSubstr("\"steps\":\"9\""));
}

TEST_F(EngineContinueTest, WithoutACheckpointItTrainsOnFromTheWeightsAndWarns) {
  const std::string first = TrainAnew(kFirstSteps, 0);

  const auto continued = Continue(first);

  ASSERT_THAT(continued, IsOk());
  EXPECT_THAT(warnings_, ElementsAre("CONTINUES_FROM_WEIGHTS"));
  EXPECT_EQ(fetched_, 1);
  EXPECT_EQ(resumed_at_, kFirstSteps);
  EXPECT_THAT(resumed_losses_, IsEmpty());
  EXPECT_EQ(steps_.front().step, kFirstSteps + 1);
  EXPECT_EQ(steps_.back().step, kAllSteps);
  EXPECT_FALSE(AreEqual(continued->safetensors, first));
}

// The draws of a step are those of the longer training, and so are the weights: so is the loss.
TEST_F(EngineContinueTest, FromWeightsTheFirstStepHasTheLossOfTheLongerTraining) {
  TrainAnew(kAllSteps, 0);
  const double expected = steps_.at(kFirstSteps).loss;
  ASSERT_THAT(Continue(TrainAnew(kFirstSteps, 0)), IsOk());
  EXPECT_EQ(steps_.front().loss, expected);
}

TEST_F(EngineContinueTest, AnotherAttemptResumesWhatContinuedFromWeights) {
  const std::string first = TrainAnew(kFirstSteps, 0);
  shows_.wants_checkpoint = [](int64_t step, bool) { return step == kFirstSteps + 2; };
  const auto undisturbed = Continue(first);
  ASSERT_THAT(undisturbed, IsOk());
  Offer(kFirstSteps + 2, checkpoint_);

  const auto resumed = Continue(first);

  ASSERT_THAT(resumed, IsOk());
  EXPECT_EQ(resumed_at_, kFirstSteps + 2);
  EXPECT_EQ(resumed_losses_.size(), 2u);
  EXPECT_EQ(steps_.size(), 2u);
  EXPECT_TRUE(AreEqual(resumed->safetensors, undisturbed->safetensors));
}

// The cosine of the learning rates spans all steps, so an earlier state would be another
// training's.
TEST_F(EngineContinueTest, OnlyTheCheckpointOfTheLastStepIsContinued) {
  const std::string first = TrainAnew(kFirstSteps, kFirstSteps - 1);
  Offer(kFirstSteps - 1, checkpoint_);
  ASSERT_THAT(Continue(first), IsOk());
  EXPECT_THAT(warnings_, ElementsAre("CHECKPOINT_PASSED_OVER", "CONTINUES_FROM_WEIGHTS"));
  EXPECT_EQ(steps_.size(), size_t{kAllSteps - kFirstSteps});
}

TEST_F(EngineContinueTest, ATrainingThatWasFinishedEarlyCanBeContinued) {
  const std::string whole = TrainAnew(kAllSteps, 0);
  shows_.finishes_early = [this] { return steps_.size() == kFirstSteps; };
  const std::string first = TrainAnew(kAllSteps, kFirstSteps);
  shows_.finishes_early = nullptr;
  Offer(kFirstSteps, checkpoint_);

  const auto continued = Continue(first);

  ASSERT_THAT(continued, IsOk());
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_TRUE(AreEqual(continued->safetensors, whole));
}

TEST_F(EngineContinueTest, AnAdapterThatCannotBeDownloadedFailsTheTraining) {
  const std::string first = TrainAnew(kFirstSteps, 0);
  train_.set_continued_adapter("adapters/first");
  train_.set_continued_steps(kFirstSteps);
  train_.set_steps(kAllSteps);
  shows_.fetch_continued = []() -> absl::StatusOr<std::string> {
    return absl::UnavailableError("away");
  };
  EXPECT_THAT(Train(), HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace vico::worker
