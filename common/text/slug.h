// Words of a text for a file name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vico {

/// The letters, digits and combining marks of every script, letters in lower case, with '-' for
/// each run of anything else between them. Whole words only, at most `most_bytes`; a first word
/// that is longer is cut between two characters. Empty if there is no letter or digit.
std::string Slug(std::string_view text, std::size_t most_bytes);

}  // namespace vico
