#include "worker/layers/packed.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/GradMode.h>
#include <torch/version.h>

namespace vico::worker {

#if TORCH_VERSION_MAJOR >= 2 && defined(__x86_64__)
namespace {

using at::IntArrayRef;
using at::Tensor;
using OptionalTensor = std::optional<Tensor>;
using Scalars = c10::List<std::optional<at::Scalar>>;  // of the fused activation: none
using Name = c10::string_view;

constexpr char kConv[] = "mkldnn::_convolution_pointwise";
constexpr char kLinear[] = "mkldnn::_linear_pointwise";
constexpr char kReorderLinear[] = "mkldnn::_reorder_linear_weight";
constexpr char kHasBfloat16[] = "mkldnn::_is_mkldnn_bf16_supported";

template <typename Signature>
c10::TypedOperatorHandle<Signature> Operator(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

bool HasOperators() {
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const char* name : {kConv, kLinear, kReorderLinear, kHasBfloat16}) {
    if (!dispatcher.findSchema({name, ""})) return false;
  }
  return true;
}

OptionalTensor Optional(const Tensor& tensor) {
  return tensor.defined() ? OptionalTensor(tensor) : std::nullopt;
}

}  // namespace

bool CanPack(const Tensor& weight) {
  static const bool kFloat = HasOperators() && at::globalContext().hasMKLDNN();
  static const bool kBfloat16 = kFloat && Operator<bool()>(kHasBfloat16).call();
  if (!weight.is_cpu() || !at::globalContext().userEnabledMkldnn()) return false;
  return (kFloat && weight.scalar_type() == at::kFloat) ||
         (kBfloat16 && weight.scalar_type() == at::kBFloat16);
}

Tensor PackConvWeight(const Tensor& weight, int64_t stride, int64_t padding) {
  return at::mkldnn_reorder_conv2d_weight(weight.detach().to_mkldnn(), {padding, padding},
                                          {stride, stride});
}

Tensor PackLinearWeight(const Tensor& weight) {
  static const auto kReorder =
      Operator<Tensor(const Tensor&, std::optional<int64_t>)>(kReorderLinear);
  return kReorder.call(weight.detach(), std::nullopt);
}

Tensor PackedConv(const Tensor& x, const Tensor& packed, const Tensor& bias, int64_t stride,
                  int64_t padding) {
  static const auto kRun = Operator<Tensor(
      const Tensor&, const Tensor&, const OptionalTensor&, IntArrayRef padding, IntArrayRef stride,
      IntArrayRef dilation, int64_t groups, Name activation, Scalars, std::optional<Name>)>(kConv);
  return kRun.call(x, packed, Optional(bias), {{padding, padding}}, {{stride, stride}}, {{1, 1}}, 1,
                   "none", Scalars(), std::nullopt);
}

Tensor PackedLinear(const Tensor& x, const Tensor& packed, const Tensor& bias) {
  static const auto kRun = Operator<Tensor(const Tensor&, const Tensor&, const OptionalTensor&,
                                           Name activation, Scalars, std::optional<Name>)>(kLinear);
  return kRun.call(x, packed, Optional(bias), "none", Scalars(), std::nullopt);
}
#else
namespace {

constexpr char kNone[] = "this LibTorch has no packed weights";

}  // namespace

bool CanPack(const at::Tensor& /*weight*/) { return false; }

at::Tensor PackConvWeight(const at::Tensor&, int64_t, int64_t) { TORCH_CHECK(false, kNone); }

at::Tensor PackLinearWeight(const at::Tensor&) { TORCH_CHECK(false, kNone); }

at::Tensor PackedConv(const at::Tensor&, const at::Tensor&, const at::Tensor&, int64_t, int64_t) {
  TORCH_CHECK(false, kNone);
}

at::Tensor PackedLinear(const at::Tensor&, const at::Tensor&, const at::Tensor&) {
  TORCH_CHECK(false, kNone);
}
#endif

void PackedCopy::Keep(const at::Tensor& weight, at::Tensor packed) {
  packed_ = std::move(packed);
  source_ = weight.detach();
  version_ = weight._version();
}

const at::Tensor* PackedCopy::Of(const at::Tensor& weight) const {
  if (!packed_.defined() || c10::GradMode::is_enabled()) return nullptr;
  return weight.is_alias_of(source_) && weight._version() == version_ ? &packed_ : nullptr;
}

}  // namespace vico::worker
