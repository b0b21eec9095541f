#include "worker/personalize/guided_row.h"

#include "worker/personalize/to_device.h"

namespace vico::worker {

Look GuidedRow::look() const {
  if (personal == nullptr) return {};
  return {.dialect = personal->dialect, .mask = mask, .strength = strength};
}

GuidedPrompt EncodeGuidedPrompt(Base& base, Personalization* personal, const std::string& prompt,
                                const std::string& negative_prompt, const std::string& placeholder,
                                double guidance_scale) {
  const at::NoGradGuard no_grad;
  torch::Tensor embedding;
  if (personal != nullptr) embedding = personal->adapter->placeholder();
  const auto conditional = base.EncodePrompts({prompt}, placeholder);
  GuidedPrompt encoded = {base.TextStates(conditional, embedding), conditional.positions,
                          conditional.ids};
  if (guidance_scale == 1.0) return encoded;
  const auto unconditional = base.EncodePrompts({negative_prompt}, placeholder);
  encoded.text = at::cat({base.TextStates(unconditional, embedding), encoded.text});
  encoded.ids = at::cat({unconditional.ids, encoded.ids});
  // Both halves read the maps at the conditional prompt's positions.
  encoded.positions = {encoded.positions.placeholder.repeat({2}),
                       encoded.positions.end.repeat({2})};
  return encoded;
}

HalfInputs InputsOf(const std::vector<HalfRow>& halves, const torch::Device& device) {
  std::vector<torch::Tensor> text, placeholder, end;
  std::vector<float> times;
  for (const auto& [row, half] : halves) {
    const GuidedPrompt& prompt = *row->prompt;
    text.push_back(prompt.text.narrow(0, half, 1));
    placeholder.push_back(prompt.positions.placeholder.narrow(0, half, 1));
    end.push_back(prompt.positions.end.narrow(0, half, 1));
    times.push_back(static_cast<float>(row->timestep));
  }
  return {.text = at::cat(text),
          .timestep = ToDevice(at::tensor(times, at::kFloat), device),
          .positions = {at::cat(placeholder), at::cat(end)}};
}

}  // namespace vico::worker
