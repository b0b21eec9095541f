// The config files of a base model and of the towers. The first byte selects the file. A base
// model's config that was read, written and read again must not change.
#include <algorithm>

#include "tests/fuzz/fuzz_target.h"
#include "worker/base_model/base_config.h"
#include "worker/base_model/base_description.h"
#include "worker/base_model/config_reader.h"
#include "worker/towers/tower_config.h"

namespace vico::fuzz {
namespace {

/// Parses, writes, parses and writes again. Both texts must be equal.
template <class Parse, class Write>
void ReadTwice(std::string_view json, const Parse& parse, const Write& write) {
  const auto config = parse(json, "config.json");
  if (!config.ok()) return;
  const std::string written = write(*config);
  const auto again = parse(written, "config.json");
  MustHold(again.ok(), "a written config can be read");
  MustHold(write(*again) == written, "a config is the same after a round trip");
}

void CheckVision(const worker::VisionConfig& config) {
  MustHold(config.hidden_size % config.num_attention_heads == 0, "heads divide the width");
  MustHold(config.image_size / config.patch_size > 0, "a picture has a patch");
}

void ReadTowers(char kind, std::string_view json) {
  if (kind == 't') {
    const auto config = worker::ParseClipConfig(json, "config.json");
    if (config.ok()) CheckVision(config->vision);
  } else if (kind == 's') {
    const auto config = worker::ParseDinoConfig(json, "config.json");
    if (config.ok()) CheckVision(*config);
  } else {
    const auto processor =
        kind == 'p' ? worker::PictureProcessor::kClip : worker::PictureProcessor::kVit;
    const auto config = worker::ParsePictureConfig(json, "preprocessor_config.json", processor);
    if (!config.ok()) return;
    MustHold(config->result_width() > 0 && config->result_height() > 0, "a picture has a size");
    MustHold(config->mean.size() == 3 && config->std.size() == 3, "a picture has 3 channels");
  }
}

/// Kinds of values that the other configs do not have.
void ReadValues(std::string_view json) {
  worker::ConfigReader reader(json, "config.json");
  std::vector<double> numbers;
  std::string word;
  double number = 0;
  reader.Number("number", number, 0, 1);
  reader.Numbers("numbers", numbers, 0, 1, 2);
  reader.OneOf("word", word, {"a", "b"});
  reader.Texts("texts");
  const auto unread = reader.Unread();
  MustHold(std::find(unread.begin(), unread.end(), "numbers") == unread.end(),
           "a value that was read is not reported as unread");
  if (reader.status().ok()) MustHold(numbers.empty() || numbers.size() == 2, "two numbers or none");
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const std::string folder : {"toyworld/base", "tests/golden/base"}) {
    seeds.push_back("u" + FileBytes(folder + "/unet/config.json"));
    seeds.push_back("v" + FileBytes(folder + "/vae/config.json"));
    seeds.push_back("c" + FileBytes(folder + "/text_encoder/config.json"));
  }
  seeds.push_back("u" + FileBytes("tests/golden/unet_linear/config.json"));
  for (const std::string folder : {"clip", "clip_gelu", "dino", "dino_cropped"}) {
    const std::string path = "tests/golden/towers/" + folder;
    seeds.push_back((folder.starts_with("clip") ? "t" : "s") + FileBytes(path + "/config.json"));
    for (const char kind : {'p', 'q'}) {
      seeds.push_back(kind + FileBytes(path + "/preprocessor_config.json"));
    }
  }
  seeds.push_back(R"(t{"text_config_dict":{"hidden_size":8},"vision_config_dict":[]})");
  seeds.push_back(R"(p{"size":{"shortest_edge":9,"x":1},"crop_size":{"height":10,"width":0}})");
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
    for (const char kind : {'u', 'v', 'c', 'd', 't', 's', 'p', 'q'}) {
      seeds.push_back(kind + std::string(json));
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view json = AsText(data + 1, size - 1);
  switch (data[0]) {
    case 'n':
      ReadValues(json);
      break;
    case 'u':
      ReadTwice(json, worker::ParseUNetConfig, worker::UNetConfigJson);
      break;
    case 'v':
      ReadTwice(json, worker::ParseVaeConfig, worker::VaeConfigJson);
      break;
    case 't':
    case 's':
    case 'p':
    case 'q':
      ReadTowers(static_cast<char>(data[0]), json);
      break;
    case 'c':
      ReadTwice(json, worker::ParseClipTextConfig, worker::ClipTextConfigJson);
      break;
    default: {
      const auto base = worker::DefaultDescription("base", {}, {}, {});
      ReadTwice(
          json,
          [&](std::string_view text, std::string_view source) {
            return worker::ApplyDescription(base, text, source);
          },
          worker::DescriptionJson);
      break;
    }
  }
  return 0;
}

}  // namespace vico::fuzz
