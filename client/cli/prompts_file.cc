#include "client/cli/prompts_file.h"

#include <sstream>
#include <string_view>

#include <fmt/format.h>

#include "client/lib/local_file.h"
#include "client/settings/config_file.h"
#include "common/status.h"
#include "common/text/utf8.h"

namespace vico::client {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 16;
constexpr std::size_t kMostBytes = std::size_t{2} << 20;
constexpr std::size_t kMostPrompts = 1000;

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadPrompts(const std::filesystem::path& path) {
  std::string bytes;
  RETURN_IF_ERROR(ReadPieces(path, kPieceBytes, [&](std::string&& piece) {
    bytes += piece;
    return bytes.size() <= kMostBytes;
  }));
  ASSIGN_OR_RETURN(const std::string_view text, TextOf(path.string(), bytes));
  std::vector<std::string> prompts;
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const std::string_view prompt = Trimmed(line);
    if (prompt.empty() || prompt.starts_with('#')) continue;
    if (!IsUtf8(prompt)) {
      return FieldError(fmt::format("{}:{}", path.string(), number), "is not UTF-8");
    }
    prompts.emplace_back(prompt);
  }
  if (prompts.empty()) return FieldError(path.string(), "has no prompt");
  if (prompts.size() > kMostPrompts || bytes.size() > kMostBytes) {
    return FieldError(path.string(), fmt::format("has more than {} prompts", kMostPrompts));
  }
  return prompts;
}

}  // namespace vico::client
