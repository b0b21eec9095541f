// tokenizer.json as newer versions of transformers write it, made from vocab.json and merges.txt.
#pragma once

#include <sstream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace vico {

enum class MergeForm { kPairs, kStrings };

/// Without added tokens other than the start and end token.
inline nlohmann::json TokenizerJson(std::string_view vocab_json, const std::string& merges_txt,
                                    MergeForm form = MergeForm::kPairs) {
  using nlohmann::json;
  const json vocabulary = json::parse(vocab_json);
  json merges = json::array();
  std::istringstream lines(merges_txt);
  std::string line;
  std::getline(lines, line);  // "#version: 0.2"
  while (std::getline(lines, line)) {
    const size_t space = line.find(' ');
    if (form == MergeForm::kStrings) {
      merges.push_back(line);
    } else {
      merges.push_back({line.substr(0, space), line.substr(space + 1)});
    }
  }
  const char* start = "<|startoftext|>";
  const char* end = "<|endoftext|>";
  const auto token = [&](const char* text) {
    return json{
        {"id", vocabulary.at(text)}, {"content", text}, {"special", true}, {"normalized", false}};
  };
  const json normalizers = {
      {{"type", "NFC"}},
      {{"type", "Replace"}, {"pattern", {{"Regex", "\\s+"}}}, {"content", " "}},
      {{"type", "Lowercase"}}};
  const char* pattern = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
  const json pre_tokenizers = {{{"type", "Split"},
                                {"pattern", {{"Regex", pattern}}},
                                {"behavior", "Removed"},
                                {"invert", true}},
                               {{"type", "ByteLevel"}, {"add_prefix_space", false}}};
  json file = {{"version", "1.0"},
               {"truncation", nullptr},
               {"padding", nullptr},
               {"added_tokens", json::array({token(start), token(end)})},
               {"normalizer", {{"type", "Sequence"}, {"normalizers", normalizers}}},
               {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", pre_tokenizers}}},
               {"model",
                {{"type", "BPE"},
                 {"dropout", nullptr},
                 {"unk_token", end},
                 {"continuing_subword_prefix", ""},
                 {"end_of_word_suffix", "</w>"},
                 {"fuse_unk", false},
                 {"vocab", vocabulary},
                 {"merges", merges}}}};
  file["post_processor"]["type"] = "RobertaProcessing";
  file["post_processor"]["sep"] = json::array({end, vocabulary.at(end)});
  file["post_processor"]["cls"] = json::array({start, vocabulary.at(start)});
  return file;
}

}  // namespace vico
