// The prompts ViCo trains with: 81 entries, 57 distinct; repeats weigh more.
// Source: the authors' imagenet_templates_small (ldm/data/personalized.py).
#pragma once

#include <string>
#include <vector>

namespace vico::worker {

/// In order; "{}" stands for the placeholder.
const std::vector<std::string>& TrainingTemplates();

/// The template with the word in place of "{}".
std::string FillTemplate(const std::string& pattern, const std::string& word);

}  // namespace vico::worker
