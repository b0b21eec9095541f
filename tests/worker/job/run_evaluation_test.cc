#include <string>
#include <vector>

#include "tests/worker/job/run_job_fixture.h"

namespace vico::worker {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

class RunEvaluationTest : public RunJobTest {
 protected:
  RunEvaluationTest() {
    evaluation_.set_job("jobs/3");
    evaluation_.set_lease_id("lease");
    auto& spec = *evaluation_.mutable_spec()->mutable_evaluate();
    spec.set_adapter("adapters/1");
    spec.add_prompts("a photo of S*");
    auto& adapter = *evaluation_.mutable_adapter();
    adapter.set_name("adapters/1");
    *adapter.mutable_blob() = link_.Stored("adapter file");
    *adapter.mutable_reference() = link_.Stored("reference picture");
    *evaluation_.add_pictures()->mutable_blob() = link_.Stored("first picture");
    *evaluation_.add_pictures()->mutable_blob() = link_.Stored("second picture");
  }

  v1::LeasedJob evaluation_;
};

TEST_F(RunEvaluationTest, AnEvaluationGetsItsInputsAndReturnsAReportWithItsSheet) {
  std::vector<std::string> seen;
  AdapterBytes adapter;
  engine_.evaluate = [&](const auto& spec, const AdapterSource& source, const auto& pictures,
                         const auto&) -> absl::StatusOr<EvaluatedAdapter> {
    seen = pictures;
    EXPECT_EQ(spec.adapter(), "adapters/1");
    EXPECT_EQ(source.adapter.name(), "adapters/1");
    adapter = *source.fetch();
    EvaluatedAdapter evaluated;
    evaluated.report.set_mask_stability(0.75);
    evaluated.sheet = {.bytes = "sheet", .width = 10, .height = 20};
    return evaluated;
  };

  const auto outcome = Run(evaluation_);

  ASSERT_TRUE(outcome && outcome->has_evaluated());
  EXPECT_THAT(seen, ElementsAre("first picture", "second picture"));
  EXPECT_EQ(adapter.safetensors, "adapter file");
  EXPECT_EQ(adapter.reference, "reference picture");
  const v1::AdapterReport& report = outcome->evaluated().report();
  EXPECT_EQ(report.mask_stability(), 0.75);
  EXPECT_EQ(report.sheet().media_type(), "image/png");
  EXPECT_EQ(link_.blobs.at(report.sheet().sha256()), "sheet");
}

TEST_F(RunEvaluationTest, FewLossesAreCopiedAndManyAreSmoothed) {
  for (const double loss : {0.5, 0.25, 0.125}) evaluation_.add_losses(loss);
  EXPECT_THAT(Run(evaluation_)->evaluated().report().losses(), ElementsAre(0.5, 0.25, 0.125));

  evaluation_.clear_losses();
  for (int step = 0; step < 250; ++step) evaluation_.add_losses(step);
  const auto losses = Run(evaluation_)->evaluated().report().losses();
  ASSERT_EQ(losses.size(), 100);
  EXPECT_THAT(losses[0], DoubleEq(0.5));  // of steps 0 and 1
  EXPECT_THAT(losses[1], DoubleEq(3));    // of steps 2 to 4
  EXPECT_THAT(losses[99], DoubleEq(248));
}

TEST_F(RunEvaluationTest, StepsAndWarningsAreReported) {
  engine_.evaluate = [&](const auto&, const auto&, const auto&,
                         const EvaluateCallbacks& callbacks) -> absl::StatusOr<EvaluatedAdapter> {
    clock_.Advance(absl::Seconds(2));
    EXPECT_TRUE(callbacks.on_step(1, 4));
    callbacks.on_warning("NO_SCORER", "start it with --clip");
    EXPECT_TRUE(callbacks.keep_going());
    return EvaluatedAdapter();
  };

  ASSERT_TRUE(Run(evaluation_)->has_evaluated());

  const auto events = link_.events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].progress().step(), 1);
  EXPECT_EQ(events[0].progress().total_steps(), 4);
  EXPECT_EQ(events[0].progress().eta().seconds(), 6);
  EXPECT_EQ(events[1].warning().reason(), "NO_SCORER");
}

TEST_F(RunEvaluationTest, ACancelStopsTheDrawing) {
  fence_ = absl::InfiniteDuration();
  engine_.evaluate = [&](const auto&, const auto&, const auto&,
                         const EvaluateCallbacks& callbacks) -> absl::StatusOr<EvaluatedAdapter> {
    link_.AnswerReportsWith(AnswerWith(v1::DIRECTIVE_CANCEL));
    WaitForVerdict(Verdict::kCancel);
    EXPECT_FALSE(callbacks.on_step(1, 4));
    EXPECT_FALSE(callbacks.keep_going());
    return EvaluatedAdapter{.stopped = true};
  };

  const auto outcome = Run(evaluation_);

  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_cancelled());
}

TEST_F(RunEvaluationTest, AStopOfTheWorkerReleasesTheJob) {
  engine_.evaluate = [&](const auto&, const auto&, const auto&,
                         const EvaluateCallbacks& callbacks) -> absl::StatusOr<EvaluatedAdapter> {
    stop_.request_stop();
    return EvaluatedAdapter{.stopped = !callbacks.keep_going()};
  };
  const auto outcome = Run(evaluation_);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_released());
}

TEST_F(RunEvaluationTest, AnErrorFailsTheJob) {
  engine_.evaluate = [](const auto&, const auto&, const auto&,
                        const auto&) -> absl::StatusOr<EvaluatedAdapter> {
    return Error(absl::StatusCode::kFailedPrecondition, "the adapter is for another base model",
                 "BASE_MODEL_MISMATCH");
  };
  const auto outcome = Run(evaluation_);
  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_FALSE(outcome->failure().retryable());
}

}  // namespace
}  // namespace vico::worker
