// ViCo's training prompts: 81 entries, of which 57 are distinct; repeated ones are drawn more
// often. Source: the authors' imagenet_templates_small (ldm/data/personalized.py).
#pragma once

#include <string>
#include <vector>

namespace vico::worker {

/// The templates in the authors' order; "{}" stands for the placeholder.
const std::vector<std::string>& TrainingTemplates();

/// The template with the word in place of "{}".
std::string FillTemplate(const std::string& pattern, const std::string& word);

}  // namespace vico::worker
