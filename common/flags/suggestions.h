// "Did you mean" for words of a command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vico {

/// The candidate that differs from `word` in the fewest letters, if it is similar: at most a third
/// of the letters are added, left out, replaced or swapped with their neighbour. Empty if none is.
std::string MostSimilar(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace vico
