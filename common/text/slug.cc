#include "common/text/slug.h"

#include <algorithm>
#include <array>

#include <utf8proc.h>

namespace vico {
namespace {

bool BelongsToWord(utf8proc_int32_t code) {
  const utf8proc_category_t category = utf8proc_category(code);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO;
}

}  // namespace

std::string Slug(std::string_view text, std::size_t most_bytes) {
  std::string slug;
  std::string word;
  bool full = false;
  const auto end_word = [&] {
    full = full || slug.size() + word.size() + (slug.empty() ? 0 : 1) > most_bytes;
    if (!word.empty() && !full) slug += (slug.empty() ? "" : "-") + word;
    word.clear();
  };
  while (!text.empty() && !full) {
    utf8proc_int32_t code = -1;
    const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &code);
    text.remove_prefix(static_cast<std::size_t>(std::max<utf8proc_ssize_t>(used, 1)));
    if (used < 1 || !BelongsToWord(code)) {
      end_word();
      continue;
    }
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto size =
        static_cast<std::size_t>(utf8proc_encode_char(utf8proc_tolower(code), bytes.data()));
    // A text without spaces is one long word.
    if (slug.empty() && word.size() + size > most_bytes) break;
    word.append(reinterpret_cast<const char*>(bytes.data()), size);
  }
  end_word();
  return slug;
}

}  // namespace vico
