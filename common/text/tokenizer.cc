#include "common/text/tokenizer.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/status.h"
#include "common/text/tokenizer_text.h"
#include "common/text/word_match.h"

namespace vico {
namespace {

constexpr std::string_view kWordEnd = "</w>";

using Vocabulary = std::unordered_map<std::string, int32_t>;

absl::Status Broken(std::string_view what) { return absl::InvalidArgumentError(std::string(what)); }

absl::StatusOr<Vocabulary> ParseVocabulary(std::string_view text) {
  const auto json = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object()) return Broken("vocab.json: is not a JSON object");
  Vocabulary vocabulary;
  std::vector<bool> taken(json.size(), false);
  for (const auto& [token, id] : json.items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= taken.size() || taken[id.get<size_t>()]) {
      return Broken(fmt::format("vocab.json: token \"{}\": ids must be 0..{}, each once, got {}",
                                token, taken.size() - 1, id.dump().substr(0, 40)));
    }
    taken[id.get<size_t>()] = true;
    vocabulary.emplace(token, id.get<int32_t>());
  }
  return vocabulary;
}

constexpr int32_t kMaxId = 1 << 20;

/// The tokens that are not in the vocabulary.
absl::StatusOr<Vocabulary> ParseAddedTokens(std::string_view text, const Vocabulary& vocabulary) {
  Vocabulary added;
  if (text.empty()) return added;
  const auto json = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object()) return Broken("added_tokens.json: is not a JSON object");
  const size_t first = vocabulary.size();
  std::unordered_set<uint64_t> taken;
  for (const auto& [token, id] : json.items()) {
    const auto known = vocabulary.find(token);
    if (known != vocabulary.end() && id == known->second) continue;
    const bool fits = id.is_number_unsigned() && id >= first && id < kMaxId && !token.empty() &&
                      known == vocabulary.end();
    if (!fits || !taken.insert(id.get<uint64_t>()).second) {
      return Broken(
          fmt::format("added_tokens.json: token \"{}\": ids must be {}..{}, each once, "
                      "got {}",
                      token.substr(0, 80), first, kMaxId - 1, id.dump().substr(0, 40)));
    }
    added.emplace(token, id.get<int32_t>());
  }
  return added;
}

int32_t Find(const Vocabulary& vocabulary, const std::string& token) {
  const auto it = vocabulary.find(token);
  return it == vocabulary.end() ? -1 : it->second;
}

/// The printable character, in UTF-8, that represents a byte: itself, or one from U+0100 on.
std::array<std::string, 256> ByteSymbols() {
  std::array<std::string, 256> symbols;
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    const int c = printable ? byte : next++;  // below U+0800: one or two bytes
    if (c < 128) {
      symbols[byte] = {static_cast<char>(c)};
    } else {
      symbols[byte] = {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))};
    }
  }
  return symbols;
}

uint64_t PairKey(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

absl::StatusOr<Tokenizer> Tokenizer::Create(std::string_view vocab_json,
                                            std::string_view merges_txt, std::string_view pad_token,
                                            std::string_view added_tokens_json) {
  ASSIGN_OR_RETURN(const Vocabulary vocabulary, ParseVocabulary(vocab_json));
  ASSIGN_OR_RETURN(const Vocabulary added, ParseAddedTokens(added_tokens_json, vocabulary));
  Tokenizer tokenizer;
  tokenizer.vocab_size_ = static_cast<int32_t>(vocabulary.size());
  tokenizer.start_id_ = Find(vocabulary, std::string(kStartToken));
  tokenizer.end_id_ = Find(vocabulary, std::string(kEndToken));
  tokenizer.pad_id_ = Find(vocabulary, std::string(pad_token));
  if (tokenizer.pad_id_ < 0) tokenizer.pad_id_ = Find(added, std::string(pad_token));
  if (tokenizer.start_id_ < 0 || tokenizer.end_id_ < 0 || tokenizer.pad_id_ < 0) {
    return Broken(fmt::format("vocab.json: must hold {}, {} and the pad token {}", kStartToken,
                              kEndToken, pad_token));
  }
  tokenizer.AddFixed(std::string(kStartToken), tokenizer.start_id_);
  tokenizer.AddFixed(std::string(kEndToken), tokenizer.end_id_);
  for (const auto& [token, id] : added) {
    tokenizer.AddFixed(token, id);
    tokenizer.vocab_size_ = std::max(tokenizer.vocab_size_, id + 1);
  }
  const auto symbols = ByteSymbols();
  for (size_t byte = 0; byte < 256; ++byte) {
    tokenizer.inside_[byte] = Find(vocabulary, symbols[byte]);
    tokenizer.last_[byte] = Find(vocabulary, symbols[byte] + std::string(kWordEnd));
  }

  int32_t line_number = 0;
  while (!merges_txt.empty()) {
    const size_t end = std::min(merges_txt.find('\n'), merges_txt.size());
    std::string_view line = merges_txt.substr(0, end);
    merges_txt.remove_prefix(std::min(end + 1, merges_txt.size()));
    if (++line_number == 1) continue;  // "#version: 0.2"
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const size_t space = line.find(' ');
    const std::string left(line.substr(0, space));
    const std::string right(space == std::string_view::npos ? "" : line.substr(space + 1));
    const int32_t left_id = Find(vocabulary, left);
    const int32_t right_id = Find(vocabulary, right);
    const int32_t id = Find(vocabulary, left + right);
    if (left_id < 0 || right_id < 0 || id < 0) {
      return Broken(
          fmt::format("merges.txt: line {}: must be two tokens of the vocabulary whose "
                      "concatenation is one too, got \"{}\"",
                      line_number, line.substr(0, 80)));
    }
    // If a merge is repeated, the last line counts.
    tokenizer.merges_[PairKey(left_id, right_id)] = {line_number, id};
  }
  return tokenizer;
}

void Tokenizer::AppendPiece(std::string_view piece, std::vector<int32_t>& ids) const {
  std::vector<int32_t> symbols;
  for (size_t i = 0; i < piece.size(); ++i) {
    const auto byte = static_cast<unsigned char>(piece[i]);
    symbols.push_back(i + 1 < piece.size() ? inside_[byte] : last_[byte]);
  }
  const auto merge_at = [&](size_t i) -> const Merge* {
    if (symbols[i] < 0 || symbols[i + 1] < 0) return nullptr;
    const auto it = merges_.find(PairKey(symbols[i], symbols[i + 1]));
    return it == merges_.end() ? nullptr : &it->second;
  };
  while (true) {
    const Merge* best = nullptr;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Merge* merge = merge_at(i);
      if (merge != nullptr && (best == nullptr || merge->rank < best->rank)) best = merge;
    }
    if (best == nullptr) break;
    size_t kept = 0;
    for (size_t i = 0; i < symbols.size(); ++kept) {  // all occurrences, left to right
      const bool merged = i + 1 < symbols.size() && merge_at(i) == best;
      const int32_t symbol = merged ? best->id : symbols[i];
      i += merged ? 2 : 1;
      symbols[kept] = symbol;
    }
    symbols.resize(kept);
  }
  // The end token is also CLIP's unknown token.
  for (const int32_t symbol : symbols) ids.push_back(symbol < 0 ? end_id_ : symbol);
}

void Tokenizer::AppendText(std::string_view text, std::vector<int32_t>& ids) const {
  for (const auto& piece : SplitPrompt(text)) {
    if (piece == kStartToken) {
      ids.push_back(start_id_);
    } else if (piece == kEndToken) {
      ids.push_back(end_id_);
    } else {
      AppendPiece(piece, ids);
    }
  }
}

void Tokenizer::AddFixed(std::string text, int32_t id) {
  auto& tokens = fixed_[static_cast<unsigned char>(text[0])];
  const auto shorter = std::find_if(tokens.begin(), tokens.end(), [&](const FixedToken& other) {
    return other.text.size() < text.size();
  });
  tokens.insert(shorter, {std::move(text), id});
}

const Tokenizer::FixedToken* Tokenizer::FixedAt(std::string_view text) const {
  for (const FixedToken& token : fixed_[static_cast<unsigned char>(text[0])]) {
    if (text.starts_with(token.text)) return &token;
  }
  return nullptr;
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text) const {
  std::vector<int32_t> ids;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const FixedToken* token = FixedAt(text.substr(at));
    if (token == nullptr) {
      ++at;
      continue;
    }
    AppendText(text.substr(begin, at - begin), ids);
    ids.push_back(token->id);
    begin = at += token->text.size();
  }
  AppendText(text.substr(begin), ids);
  return ids;
}

std::vector<TokenText> Tokenizer::TokenTexts() const {
  std::vector<TokenText> texts(static_cast<size_t>(vocab_size_));
  for (size_t byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    if (inside_[byte] >= 0) texts[static_cast<size_t>(inside_[byte])] = {text, false};
    if (last_[byte] >= 0) texts[static_cast<size_t>(last_[byte])] = {text, true};
  }
  for (const auto& tokens : fixed_) {
    for (const FixedToken& token : tokens)
      texts[static_cast<size_t>(token.id)] = {token.text, true};
  }
  // The parts of a merge are made by earlier ones.
  std::vector<std::pair<uint64_t, Merge>> merges(merges_.begin(), merges_.end());
  std::sort(merges.begin(), merges.end(),
            [](const auto& a, const auto& b) { return a.second.rank < b.second.rank; });
  for (const auto& [pair, merge] : merges) {
    const TokenText& left = texts[static_cast<size_t>(pair >> 32)];
    const TokenText& right = texts[static_cast<size_t>(pair & 0xFFFFFFFF)];
    if (left.bytes.empty() || right.bytes.empty()) continue;
    texts[static_cast<size_t>(merge.id)] = {left.bytes + right.bytes, right.ends_word};
  }
  return texts;
}

Prompt Tokenizer::EncodePrompt(std::string_view text, std::string_view placeholder,
                               int context_length) const {
  std::vector<int32_t> content;
  size_t begin = 0;
  while (true) {
    const size_t at = FindWord(text, placeholder, begin);
    const auto ids = Encode(text.substr(begin, at == std::string_view::npos ? at : at - begin));
    content.insert(content.end(), ids.begin(), ids.end());
    if (at == std::string_view::npos) break;
    content.push_back(placeholder_id());
    begin = at + placeholder.size();
  }

  Prompt prompt;
  const auto room = static_cast<size_t>(std::max(context_length - 2, 0));
  prompt.truncated = content.size() > room;
  content.resize(std::min(content.size(), room));
  prompt.ids.push_back(start_id_);
  prompt.ids.insert(prompt.ids.end(), content.begin(), content.end());
  prompt.ids.push_back(end_id_);
  const auto first = [&prompt](int32_t id) {
    return static_cast<int>(std::find(prompt.ids.begin(), prompt.ids.end(), id) -
                            prompt.ids.begin());
  };
  prompt.end_index = first(end_id_);
  prompt.placeholders =
      static_cast<int>(std::count(prompt.ids.begin(), prompt.ids.end(), placeholder_id()));
  if (prompt.placeholders > 0) prompt.placeholder_index = first(placeholder_id());
  prompt.ids.resize(static_cast<size_t>(context_length), pad_id_);
  return prompt;
}

std::optional<int32_t> Tokenizer::SingleToken(std::string_view word) const {
  const auto ids = Encode(word);
  if (ids.size() != 1 || ids[0] == end_id_ || ids[0] == start_id_) return std::nullopt;
  return ids[0];
}

}  // namespace vico
