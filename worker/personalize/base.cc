#include "worker/personalize/base.h"

#include "worker/model/finite.h"
#include "worker/model/uninitialized.h"
#include "worker/personalize/to_device.h"

namespace vico::worker {
namespace {

template <typename Network>
Network CopyOn(const torch::Device& device, const Network& network) {
  Network copy{nullptr};
  {
    const UninitializedParameters every_one_is_copied;
    copy = Network(network->config());
  }
  const auto from = network->parameters();
  auto to = copy->parameters();
  for (size_t i = 0; i < to.size(); ++i) {
    to[i].set_requires_grad(false);
    to[i].set_data(from[i].to(from[i].options().device(device), /*non_blocking=*/false,
                              /*copy=*/true));
  }
  copy->eval();
  return copy;
}

}  // namespace

Base Base::ReplicaOn(const torch::Device& device) const {
  return {.text = CopyOn(device, text),
          .unet = CopyOn(device, unet),
          .schedule = schedule.On(device),
          .tokenizer = tokenizer,
          .threads = threads};
}

EncodedPrompts Base::EncodePrompts(const std::vector<std::string>& prompts,
                                   const std::string& placeholder) const {
  const auto length = text->config().max_position_embeddings;
  const auto count = static_cast<int64_t>(prompts.size());
  EncodedPrompts encoded;
  std::vector<int64_t> ids, placeholders, ends;
  ids.reserve(static_cast<size_t>(count * length));
  // The table of embeddings may have more rows than the tokenizer has tokens.
  const auto row_of = [this](int32_t id) -> int64_t {
    return id == tokenizer.placeholder_id() ? text->config().vocab_size : id;
  };
  for (int64_t i = 0; i < count; ++i) {
    const Prompt prompt = tokenizer.EncodePrompt(prompts[static_cast<size_t>(i)], placeholder,
                                                 static_cast<int>(length));
    for (const int32_t id : prompt.ids) ids.push_back(row_of(id));
    const bool found = prompt.placeholder_index >= 0;
    placeholders.push_back(found ? prompt.placeholder_index : prompt.end_index);
    ends.push_back(prompt.end_index);
  }
  encoded.ids = at::tensor(ids, at::kLong).view({count, length});
  encoded.positions = {ToDevice(at::tensor(placeholders, at::kLong), device()),
                       ToDevice(at::tensor(ends, at::kLong), device())};
  return encoded;
}

torch::Tensor Base::TextStates(const EncodedPrompts& prompts, const torch::Tensor& placeholder) {
  return text(ToDevice(prompts.ids, device()), placeholder);
}

Posterior Base::Encode(const torch::Tensor& picture01) {
  const at::NoGradGuard no_grad;
  const double scale = vae->config().scaling_factor;
  const auto dtype = vae->parameters()[0].scalar_type();
  const auto found = vae->Encode(picture01.to(device(), dtype) * 2 - 1);
  if (!IsFinite(found.mean) || !IsFinite(found.std)) {
    throw NonFinite(
        "encoding a picture: the latent is not finite; the cause is the base model: its "
        "autoencoder overflows");
  }
  return {found.mean * scale, found.std * scale};
}

torch::Tensor Base::Decode(const torch::Tensor& latent) {
  const at::NoGradGuard no_grad;
  const auto dtype = vae->parameters()[0].scalar_type();
  const auto picture = vae->Decode((latent / vae->config().scaling_factor).to(dtype));
  // Before the clamp, which hides infinity.
  if (!IsFinite(picture)) throw NonFinite("decoding: the picture is not finite");
  return picture.to(at::kFloat).div(2).add(0.5).clamp(0, 1).to(at::kCPU);
}

}  // namespace vico::worker
