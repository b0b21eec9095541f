// Attention against its formula.
#include "worker/model/attention.h"

#include <gtest/gtest.h>

namespace vico::worker {
namespace {

TEST(AttendTest, EqualsTheFormulaMaskedCausalAndPlain) {
  at::manual_seed(1);
  const auto q = at::randn({2, 3, 5, 8}), k = at::randn({2, 3, 5, 8}), v = at::randn({2, 3, 5, 8});
  const auto score = q.matmul(k.transpose(-2, -1)) / std::sqrt(8.0);
  const auto visible = at::rand({2, 1, 1, 5}).gt(0.3).logical_or(at::eye(5).select(0, 0).gt(0));
  const double hidden = -std::numeric_limits<double>::infinity();
  const auto error = [&](const torch::Tensor& a, const torch::Tensor& s) {
    return (a - s.softmax(-1).matmul(v)).abs().max().item<double>();
  };
  EXPECT_LT(error(Attend(q, k, v), score), 1e-5);
  EXPECT_LT(error(Attend(q, k, v, visible), score.masked_fill(visible.logical_not(), hidden)),
            1e-5);
  const auto lower = at::ones({5, 5}, at::kBool).tril();
  EXPECT_LT(error(Attend(q, k, v, {}, true), score.masked_fill(lower.logical_not(), hidden)), 1e-5);
}

TEST(AttentionTest, ProbabilitiesSumToOneAndLeaveTheResultAsItIs) {
  at::manual_seed(2);
  Attention attention(16, 12, 4);
  const auto x = at::randn({2, 7, 16}), context = at::randn({2, 5, 12});
  const auto [result, probabilities] = attention->WithProbabilities(x, context);
  EXPECT_LT((result - attention(x, context)).abs().max().item<double>(), 1e-5);
  EXPECT_LT((probabilities.sum(-1) - 1).abs().max().item<double>(), 1e-5);
}

TEST(AttentionTest, RefusesHeadsThatDoNotDivideTheChannels) {
  EXPECT_THROW(Attention(10, 10, 3), c10::Error);
}

}  // namespace
}  // namespace vico::worker
