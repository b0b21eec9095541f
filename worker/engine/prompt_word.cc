#include "worker/engine/prompt_word.h"

namespace vico::worker {

std::string WithWord(std::string prompt, const std::string& placeholder, const std::string& word) {
  for (size_t at = prompt.find(placeholder); at != std::string::npos;
       at = prompt.find(placeholder, at + word.size())) {
    prompt.replace(at, placeholder.size(), word);
  }
  return prompt;
}

}  // namespace vico::worker
