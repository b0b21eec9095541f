#include "server/checks/prompt_warnings.h"

#include <fmt/format.h>

namespace vico::server {

void WarnOfPrompt(std::string_view field, std::string_view prompt, std::string_view placeholder,
                  bool expects_placeholder, const SpecSurroundings& surroundings,
                  std::vector<v1::Event::Warning>& warnings) {
  const int context = surroundings.base_model.context_tokens();
  const Prompt encoded = surroundings.tokenizer.EncodePrompt(prompt, placeholder, context);
  if (encoded.truncated) {
    warnings.push_back(
        WarningOf("PROMPT_TRUNCATED",
                  fmt::format("{}: only its first {} tokens are used", field, context - 2)));
  }
  if (expects_placeholder && encoded.placeholders == 0) {
    warnings.push_back(WarningOf(
        "PROMPT_WITHOUT_PLACEHOLDER",
        fmt::format("{}: does not hold the adapter's word {}, so the thing it learned may not show",
                    field, placeholder)));
  }
}

}  // namespace vico::server
