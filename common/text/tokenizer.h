// CLIP's byte-pair tokenizer: text -> ids, and prompts with a placeholder for a learned word.
// Source: OpenAI simple_tokenizer.py, transformers tokenization_clip.py (without ftfy).
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

/// A prompt as the text encoder takes it.
struct Prompt {
  std::vector<int32_t> ids;    ///< context_length of them: start, content, end, padding
  int placeholder_index = -1;  ///< where the first placeholder stands in `ids`; -1 without one
  int placeholders = 0;        ///< how many stand in `ids`
  int end_index = 0;           ///< where the first end token stands in `ids`
  bool truncated = false;      ///< content beyond context_length - 2 ids was cut off
};

/// Immutable after Create(): any number of threads may use one.
class Tokenizer {
 public:
  /// `vocab_json`: token -> id, dense from 0. `merges_txt`: a header line, then one merge a line.
  /// `pad_token` is what tokenizer_config.json calls so. kInvalidArgument saying what is wrong and
  /// where.
  static absl::StatusOr<Tokenizer> Create(std::string_view vocab_json, std::string_view merges_txt,
                                          std::string_view pad_token = "<|endoftext|>");

  /// Content ids: no start, no end, no limit. Any bytes are accepted; see SplitPrompt().
  std::vector<int32_t> Encode(std::string_view text) const;

  /// `placeholder`, if not empty, is looked for in the raw text, case-sensitively and anywhere,
  /// also inside a word; each occurrence becomes placeholder_id(). `context_length` is at least 2.
  Prompt EncodePrompt(std::string_view text, std::string_view placeholder,
                      int context_length) const;

  /// The word's id when it is exactly one token, as an initial word must be.
  std::optional<int32_t> SingleToken(std::string_view word) const;

  int32_t vocab_size() const { return vocab_size_; }
  int32_t placeholder_id() const { return vocab_size_; }  ///< one beyond the last
  int32_t start_id() const { return start_id_; }
  int32_t end_id() const { return end_id_; }
  int32_t pad_id() const { return pad_id_; }

 private:
  struct Merge {
    int32_t rank = 0;
    int32_t id = 0;
  };

  Tokenizer() = default;
  void AppendPiece(std::string_view piece, std::vector<int32_t>& ids) const;
  void AppendText(std::string_view text, std::vector<int32_t>& ids) const;

  std::array<int32_t, 256>
      inside_{};                     // id of a byte that another follows; -1: not in the vocabulary
  std::array<int32_t, 256> last_{};  // id of a piece's last byte
  std::unordered_map<uint64_t, Merge> merges_;  // left id << 32 | right id
  int32_t vocab_size_ = 0, start_id_ = 0, end_id_ = 0, pad_id_ = 0;
};

}  // namespace vico
