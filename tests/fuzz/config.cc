// A base model's config files. The first byte says which; what is read says the same when written.
#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/fuzz/fuzz_target.h"
#include "worker/base_model/base_config.h"
#include "worker/base_model/base_description.h"
#include "worker/base_model/config_reader.h"

namespace {

using vico::MustHold;

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Reads with `parse` what `write` makes of what it read: the same text.
template <class Parse, class Write>
void ReadTwice(std::string_view json, const Parse& parse, const Write& write) {
  const auto config = parse(json, "config.json");
  if (!config.ok()) return;
  const std::string written = write(*config);
  const auto again = parse(written, "config.json");
  MustHold(again.ok(), "what was written can be read");
  MustHold(write(*again) == written, "sizes stay");
}

/// Values that no file read here has.
void ReadValues(std::string_view json) {
  vico::worker::ConfigReader reader(json, "config.json");
  std::vector<double> numbers;
  std::string word;
  double number = 0;
  reader.Number("number", number, 0, 1);
  reader.Numbers("numbers", numbers, 0, 1, 2);
  reader.OneOf("word", word, {"a", "b"});
  reader.Texts("texts");
  const auto unread = reader.Unread();
  MustHold(std::find(unread.begin(), unread.end(), "numbers") == unread.end(), "it was read");
  if (reader.status().ok()) MustHold(numbers.empty() || numbers.size() == 2, "two numbers or none");
}

}  // namespace

std::vector<std::string> vico::Seeds() {
  std::vector<std::string> seeds;
  for (const std::string folder : {"toyworld/base", "tests/golden/base"}) {
    seeds.push_back("u" + FileBytes(folder + "/unet/config.json"));
    seeds.push_back("v" + FileBytes(folder + "/vae/config.json"));
    seeds.push_back("c" + FileBytes(folder + "/text_encoder/config.json"));
  }
  seeds.push_back("u" + FileBytes("tests/golden/unet_linear/config.json"));
  seeds.push_back("d" + FileBytes("toyworld/base/vico.json"));
  seeds.push_back(R"(d{"name":"a","display_name":"A","resolution":64,)"
                  R"("training_defaults":{"steps":100,"batchSize":2},)"
                  R"("generation_defaults":{"scheduler":"ddim","guidanceScale":7.5}})");
  for (const char* json : {R"({"number":0.5,"numbers":[0,1],"word":"b","texts":["a"],"more":1})",
                           R"({"number":2,"numbers":[0,2],"word":"c","texts":[1]})",
                           R"({"numbers":[0],"texts":{}})", R"({"number":"x"})"}) {
    seeds.push_back("n" + std::string(json));
  }
  seeds.push_back(R"(d{"name":"UPPER CASE"})");
  seeds.push_back(R"(d{"name":"a","display_name":7})");
  for (const char* json : {"", "{", "[]", "null", "1e999", R"({"a":{"a":{"a":[[[[]]]]}}})",
                           R"({"sample_size":-1,"in_channels":1e30})", R"({"sample_size":"x"})",
                           "{\"\xff\":1}", R"({"block_out_channels":[0,9007199254740993]})"}) {
    for (const char kind : {'u', 'v', 'c', 'd'}) seeds.push_back(kind + std::string(json));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view json = vico::AsText(data + 1, size - 1);
  switch (data[0]) {
    case 'n':
      ReadValues(json);
      break;
    case 'u':
      ReadTwice(json, vico::worker::ParseUNetConfig, vico::worker::UNetConfigJson);
      break;
    case 'v':
      ReadTwice(json, vico::worker::ParseVaeConfig, vico::worker::VaeConfigJson);
      break;
    case 'c':
      ReadTwice(json, vico::worker::ParseClipTextConfig, vico::worker::ClipTextConfigJson);
      break;
    default: {
      const auto base = vico::worker::DefaultDescription("base", {}, {}, {});
      ReadTwice(
          json,
          [&](std::string_view text, std::string_view source) {
            return vico::worker::ApplyDescription(base, text, source);
          },
          vico::worker::DescriptionJson);
      break;
    }
  }
  return 0;
}
