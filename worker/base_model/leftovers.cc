#include "worker/base_model/leftovers.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace vico::worker {

bool IsLeftover(std::string_view name) {
  static constexpr std::string_view kStarts[] = {"loss.",
                                                 "logit_scale",
                                                 "text_projection",
                                                 "vision_model.",
                                                 "visual.",
                                                 "safety_checker.",
                                                 "image_encoder.",
                                                 "visual_projection.",
                                                 "model_ema.",
                                                 "ema.",
                                                 "ema_",
                                                 "optimizer",
                                                 "lr_scheduler",
                                                 "callbacks.",
                                                 "position_ids"};
  static constexpr std::string_view kEnds[] = {".position_ids", ".num_batches_tracked",
                                               ".attn_mask", ".causal_attention_mask"};
  const auto starts = [name](std::string_view part) { return name.starts_with(part); };
  const auto ends = [name](std::string_view part) { return name.ends_with(part); };
  return std::any_of(std::begin(kStarts), std::end(kStarts), starts) ||
         std::any_of(std::begin(kEnds), std::end(kEnds), ends);
}

void IgnoredTensors::Add(std::string_view name) {
  if (count_++ == 0) first_ = name.substr(0, 200);
}

std::string IgnoredTensors::Text(std::string_view source) const {
  if (count_ == 0) return "";
  return fmt::format("{}: {} {} not needed and not read, such as \"{}\"", source, count_,
                     count_ == 1 ? "tensor is" : "tensors are", first_);
}

void RemoveLeftovers(std::vector<StoredTensor>& tensors, IgnoredTensors& ignored) {
  const auto first =
      std::stable_partition(tensors.begin(), tensors.end(), [](const StoredTensor& tensor) {
        return !IsLeftover(tensor.stored) && !IsLeftover(tensor.name);
      });
  std::for_each(first, tensors.end(),
                [&](const StoredTensor& tensor) { ignored.Add(tensor.stored); });
  tensors.erase(first, tensors.end());
}

}  // namespace vico::worker
