// Source of the layout: OpenAI CLIP, clip/simple_tokenizer.py (bytes_to_unicode, order of the
// vocabulary).
#include "toyworld/world/tokenizer_files.h"

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vico::toyworld {
namespace {

using Pair = std::pair<std::string, std::string>;

// Each byte's printable replacement, in CLIP's order.
std::vector<std::string> ByteSymbols() {
  const auto utf8 = [](int code) {
    if (code < 0x80) return std::string(1, static_cast<char>(code));
    return std::string{static_cast<char>(0xc0 | (code >> 6)),
                       static_cast<char>(0x80 | (code & 0x3f))};
  };
  const auto printable = [](int byte) {
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
  };
  std::vector<std::string> symbols;
  for (int byte = 0; byte < 256; ++byte) {
    if (printable(byte)) symbols.push_back(utf8(byte));
  }
  for (int byte = 0, next = 256; byte < 256; ++byte) {
    if (!printable(byte)) symbols.push_back(utf8(next++));
  }
  return symbols;
}

std::vector<std::string> Letters(const std::string& word) {
  std::vector<std::string> letters;
  for (const char c : word) letters.emplace_back(1, c);
  letters.back() += "</w>";
  return letters;
}

// Orders the merges so that byte-pair encoding builds every word from left to right: at each step
// of a word, the wanted merge must rank before all others that apply further right.
absl::StatusOr<std::vector<Pair>> OrderedMerges(const std::vector<std::string>& words) {
  std::vector<Pair> merges;
  std::map<Pair, int> index;
  for (const std::string& word : words) {
    const std::vector<std::string> letters = Letters(word);
    std::string prefix = letters[0];
    for (size_t i = 1; i < letters.size(); ++i) {
      const Pair merge = {prefix, letters[i]};
      if (index.emplace(merge, static_cast<int>(merges.size())).second) merges.push_back(merge);
      prefix += letters[i];
    }
  }
  std::vector<std::set<int>> before(merges.size());  // merges that must rank before each
  for (const std::string& word : words) {
    const std::vector<std::string> letters = Letters(word);
    std::string prefix = letters[0];
    for (size_t i = 1; i < letters.size(); ++i) {
      const int wanted = index.at({prefix, letters[i]});
      for (size_t j = i + 1; j < letters.size(); ++j) {
        const auto rival = index.find({letters[j - 1], letters[j]});
        if (rival == index.end()) continue;
        if (rival->second == wanted) {
          return absl::InvalidArgumentError(
              fmt::format("word {}: repeats its own beginning and cannot be one token", word));
        }
        before[rival->second].insert(wanted);
      }
      prefix += letters[i];
    }
  }
  std::vector<Pair> ordered;
  std::vector<bool> placed(merges.size(), false);
  while (ordered.size() < merges.size()) {
    const size_t start = ordered.size();
    for (size_t i = 0; i < merges.size(); ++i) {
      bool ready = !placed[i];
      for (const int earlier : before[i]) ready = ready && placed[earlier];
      if (!ready) continue;
      placed[i] = true;
      ordered.push_back(merges[i]);
    }
    if (ordered.size() > start) continue;
    for (size_t i = 0; i < merges.size(); ++i) {
      if (placed[i]) continue;
      return absl::InvalidArgumentError(
          fmt::format("words with {}{}: no order of merges builds them all", merges[i].first,
                      merges[i].second));
    }
  }
  return ordered;
}

}  // namespace

absl::StatusOr<TokenizerFiles> MakeTokenizerFiles(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word.empty()) return absl::InvalidArgumentError("words: one is empty");
  }
  const absl::StatusOr<std::vector<Pair>> merges = OrderedMerges(words);
  if (!merges.ok()) return merges.status();

  nlohmann::ordered_json vocab;
  const auto add = [&vocab](const std::string& token) {
    vocab[token] = static_cast<int>(vocab.size());
  };
  const std::vector<std::string> symbols = ByteSymbols();
  for (const std::string& symbol : symbols) add(symbol);
  for (const std::string& symbol : symbols) add(symbol + "</w>");
  TokenizerFiles files;
  files.merges_txt = "#version: 0.2\n";
  for (const auto& [left, right] : *merges) {
    add(left + right);
    files.merges_txt += fmt::format("{} {}\n", left, right);
  }
  add("<|startoftext|>");
  add("<|endoftext|>");
  files.size = static_cast<int>(vocab.size());
  files.vocab_json = vocab.dump() + "\n";
  return files;
}

}  // namespace vico::toyworld
