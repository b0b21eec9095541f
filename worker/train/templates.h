// ViCo's training prompts: 81 entries, of which 57 are distinct; repeated ones are drawn more
// often. Source: the authors' imagenet_templates_small (ldm/data/personalized.py).
#pragma once

#include <string>
#include <vector>

namespace vico::worker {

/// What stands for the learned word in a template.
inline constexpr char kTemplateSlot[] = "{}";

/// The templates in the authors' order.
const std::vector<std::string>& TrainingTemplates();

}  // namespace vico::worker
