#include "worker/layers/group_norm.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "worker/layers/channels_last_norm.h"

namespace vico::worker {

GroupNormImpl::GroupNormImpl(int64_t groups, int64_t channels, double eps)
    : groups_(groups), eps_(eps) {
  TORCH_CHECK(channels % groups == 0, "group norm: ", groups, " groups do not divide ", channels,
              " channels");
  weight_ = register_parameter("weight", torch::ones({channels}));
  bias_ = register_parameter("bias", torch::zeros({channels}));
}

torch::Tensor GroupNormImpl::forward(const torch::Tensor& x) {
  if (!c10::GradMode::is_enabled() && IsChannelsLast(x)) {
    return ChannelsLastNorm(x, groups_, weight_.to(at::kFloat), bias_.to(at::kFloat), eps_);
  }
  if (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble) {
    return at::group_norm(x, groups_, weight_, bias_, eps_);
  }
  return at::group_norm(x.to(at::kFloat), groups_, weight_.to(at::kFloat), bias_.to(at::kFloat),
                        eps_)
      .to(x.scalar_type());
}

torch::Tensor GroupNormImpl::Silu(const torch::Tensor& x) {
  auto normed = forward(x);
  return c10::GradMode::is_enabled() ? at::silu(normed) : at::silu_(normed);
}

}  // namespace vico::worker
