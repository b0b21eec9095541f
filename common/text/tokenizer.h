// CLIP's byte-pair tokenizer: turns text into ids, and prompts with a placeholder for a learned
// word into the input of a text encoder. Source: OpenAI simple_tokenizer.py, transformers
// tokenization_clip.py (without ftfy).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <absl/status/statusor.h>

namespace vico {

/// A prompt as input of the text encoder.
struct Prompt {
  std::vector<int32_t> ids;    ///< start, content, end, padding; context_length in all
  int placeholder_index = -1;  ///< of the first placeholder in `ids`; -1: none
  int placeholders = 0;        ///< number of placeholders in `ids`
  int end_index = 0;           ///< of the first end token in `ids`
  bool truncated = false;      ///< the content had more than context_length - 2 ids
};

/// What a token stands for.
struct TokenText {
  std::string bytes;
  bool ends_word = false;
};

/// Immutable. Any thread.
class Tokenizer {
 public:
  /// `vocab_json` maps tokens to ids, dense from 0. `merges_txt` has a header line, then one merge
  /// per line. `pad_token` is the one of tokenizer_config.json. `added_tokens_json` maps tokens
  /// beyond the vocabulary to ids, as added_tokens.json; empty: none. Their ids may have holes.
  /// kInvalidArgument that names the file and the token or line.
  static absl::StatusOr<Tokenizer> Create(std::string_view vocab_json, std::string_view merges_txt,
                                          std::string_view pad_token = "<|endoftext|>",
                                          std::string_view added_tokens_json = "");

  /// Ids of the content, of any length, without start and end tokens. Accepts any bytes; see
  /// SplitPrompt(). Added tokens are found first, in the raw text, the leftmost and longest ones,
  /// as in transformers.
  std::vector<int32_t> Encode(std::string_view text) const;

  /// Each occurrence of `placeholder` (if not empty) as a word of its own becomes
  /// placeholder_id(); see FindWord(). `context_length` is at least 2.
  Prompt EncodePrompt(std::string_view text, std::string_view placeholder,
                      int context_length) const;

  /// The id of a word that is exactly one token, as the initial word of a training must be.
  std::optional<int32_t> SingleToken(std::string_view word) const;

  /// By id; without bytes for an id that no text gives. Makes the text of each merge.
  std::vector<TokenText> TokenTexts() const;

  /// Whether the word is one token already. A learned word of the same spelling would hide it.
  bool KnowsWord(std::string_view word) const { return SingleToken(word).has_value(); }

  int32_t vocab_size() const { return vocab_size_; }      ///< one past the highest id
  int32_t placeholder_id() const { return vocab_size_; }  ///< of no token
  int32_t start_id() const { return start_id_; }
  int32_t end_id() const { return end_id_; }

 private:
  struct Merge {
    int32_t rank = 0;
    int32_t id = 0;
  };

  struct FixedToken {
    std::string text;
    int32_t id = 0;
  };

  Tokenizer() = default;
  void AddFixed(std::string text, int32_t id);
  const FixedToken* FixedAt(std::string_view text) const;
  void AppendPiece(std::string_view piece, std::vector<int32_t>& ids) const;
  void AppendText(std::string_view text, std::vector<int32_t>& ids) const;

  // Ids of single bytes: not the last of a piece, and the last. -1: not in the vocabulary.
  std::array<int32_t, 256> inside_{};
  std::array<int32_t, 256> last_{};
  std::unordered_map<uint64_t, Merge> merges_;  // left id << 32 | right id
  // Start, end and added tokens by their first byte, the longest first.
  std::array<std::vector<FixedToken>, 256> fixed_;
  int32_t vocab_size_ = 0, start_id_ = 0, end_id_ = 0, pad_id_ = 0;
};

}  // namespace vico
