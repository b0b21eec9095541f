// The tokenizer with arbitrary bytes as text, as its files or as tokenizer.json. The first byte
// selects which.
#include "common/text/tokenizer.h"

#include "common/text/tokenizer_json.h"
#include "common/text/tokenizer_text.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/server/base_model_fixture.h"
#include "tests/support/tokenizer_json.h"

namespace vico::fuzz {
namespace {

void Encode(std::string_view text) {
  static const Tokenizer tokenizer = server::TestTokenizer();
  for (const int32_t id : tokenizer.Encode(text)) {
    MustHold(id >= 0 && id < tokenizer.vocab_size(), "ids are in the vocabulary");
  }
  const std::string_view placeholder = text.substr(0, text.size() % 4);
  for (const int length : {2, 16, 77}) {
    const Prompt prompt = tokenizer.EncodePrompt(text, placeholder, length);
    MustHold(prompt.ids.size() == static_cast<size_t>(length), "a prompt fills its context");
    MustHold(prompt.ids[0] == tokenizer.start_id(), "a prompt begins with the start token");
    MustHold(prompt.ids[static_cast<size_t>(prompt.end_index)] == tokenizer.end_id(),
             "a prompt ends with the end token");
    for (const int32_t id : prompt.ids) {
      MustHold(id >= 0 && id <= tokenizer.placeholder_id(),
               "ids are in the vocabulary or the placeholder");
    }
    const bool has_word = prompt.placeholder_index >= 0;
    MustHold(has_word == (prompt.placeholders > 0), "a placeholder has an index");
  }
  const auto word = tokenizer.SingleToken(text);
  MustHold(!word || *word < tokenizer.vocab_size(), "the id of a word is in the vocabulary");
}

/// The vocabulary, then a zero byte, then the merges.
void Create(std::string_view files) {
  const size_t zero = std::min(files.find('\0'), files.size());
  const auto made =
      Tokenizer::Create(files.substr(0, zero), files.substr(std::min(zero + 1, files.size())));
  if (made.ok()) made->Encode("a photo of a dog");
}

void ReadJson(std::string_view json) {
  const auto files = ReadTokenizerJson(json);
  if (!files.ok()) return;
  const auto made =
      Tokenizer::Create(files->vocabulary, files->merges, kEndToken, files->added_tokens);
  if (made.ok()) made->Encode("a photo of a dog");
}

std::string SmallVocabulary() {
  std::string json = "{";
  int id = 0;
  for (const std::string letter : {"a", "b", "c"}) {
    json += "\"" + letter + "\":" + std::to_string(id++) + ",";
    json += "\"" + letter + "</w>\":" + std::to_string(id++) + ",";
  }
  json += "\"ab\":6,\"abc</w>\":7,\"<|startoftext|>\":8,\"<|endoftext|>\":9}";
  return json;
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const char* text : {"a photo of a S* on the beach", "IT'S 12,345 dogs!!! won't they've", "",
                           " \t\r\n\v\f ", "na\xc3\xafve caf\x65\xcc\x81 \xef\xbc\xa1\xef\xbc\xa2",
                           "\xf0\x9f\x98\x80\xe2\x80\x8d\xf0\x9f", "\xff\xfe\xc0\x80\xed\xa0\x80",
                           "&amp;amp; &lt; &#65; &#x41;", "<|startoftext|> <|endoftext|>",
                           "\xe2\x80\xae bidi \xe2\x81\xa6",
                           "\xe4\xbd\xa0\xe5\xa5\xbd \xd8\xb3 \xe0\xa4\xa8", "''''s't're"}) {
    seeds.push_back(std::string("t") + text);
  }
  seeds.push_back("t" + std::string(5000, 'a'));
  seeds.push_back("t" + std::string(1000, '\'') + std::string(1000, '\xcc'));
  const std::string zero(1, '\0');
  const std::string small = SmallVocabulary();
  seeds.push_back("v" + small + zero + "#version: 0.2\na b\nab c</w>\n");
  seeds.push_back("v" + small + zero + "#version: 0.2\na b\na b\n");
  seeds.push_back("v" + small + zero + "#version: 0.2\na\n");
  seeds.push_back("v" + small + zero + "#version: 0.2\nx y\n");
  seeds.push_back("v" + small);
  seeds.push_back("v{\"a\":0,\"a\":1}" + zero);
  seeds.push_back("v{\"a\":-1,\"b\":1e9,\"c\":\"x\"}" + zero);
  seeds.push_back("v[]" + zero);
  seeds.push_back("v" + server::TestVocabulary() + zero + server::TestMerges());
  for (const MergeForm form : {MergeForm::kPairs, MergeForm::kStrings}) {
    auto json = TokenizerJson(small, "#version: 0.2\na b\nab c</w>\n", form);
    seeds.push_back("j" + json.dump());
    json["added_tokens"].push_back({{"id", 20}, {"content", "<cat>"}});
    seeds.push_back("j" + json.dump());
  }
  seeds.push_back("j{}");
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = AsText(data + 1, size - 1);
  if (data[0] == 'v') {
    Create(rest);
  } else if (data[0] == 'j') {
    ReadJson(rest);
  } else {
    Encode(rest);
  }
  return 0;
}

}  // namespace vico::fuzz
