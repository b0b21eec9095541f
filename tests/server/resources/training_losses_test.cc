#include "server/resources/training_losses.h"

#include <gmock/gmock.h>

namespace vico::server {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(TrainingLossesTest, FewLossesStayAsTheyAre) {
  EXPECT_THAT(SmoothedLosses({}, 100), IsEmpty());
  EXPECT_THAT(SmoothedLosses({{1, 0.5}, {2, 0.25}, {3, 0.125}}, 100),
              ElementsAre(0.5, 0.25, 0.125));
  EXPECT_THAT(SmoothedLosses({{400, 0.5}}, 100), ElementsAre(0.5));
}

TEST(TrainingLossesTest, ManyBecomeMeansOverTheSameNumberOfSteps) {
  std::map<int64_t, double> by_step;
  for (int64_t step = 1; step <= 400; ++step) by_step[step] = static_cast<double>(step);
  const std::vector<double> means = SmoothedLosses(by_step, 100);
  ASSERT_THAT(means, SizeIs(100));
  EXPECT_THAT(means.front(), DoubleEq(2.5));
  EXPECT_THAT(means.back(), DoubleEq(398.5));
}

TEST(TrainingLossesTest, AGapHasTheLossBeforeIt) {
  EXPECT_THAT(SmoothedLosses({{401, 4}, {402, 3}, {408, 1}}, 3), ElementsAre(3.5, 3.5, 1));
}

}  // namespace
}  // namespace vico::server
