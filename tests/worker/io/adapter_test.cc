#include "worker/io/adapter.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/golden/files.h"
#include "tests/support/status_matchers.h"

namespace vico::worker {
namespace {

using ::testing::HasSubstr;

const std::vector<TransformerSite> kTransformers = {{"down_blocks.0.attentions.0", 16, 2},
                                                    {"up_blocks.0.attentions.0", 16, 2},
                                                    {"up_blocks.1.attentions.0", 8, 2}};
constexpr int64_t kTextWidth = 6;

AdapterTarget Target() { return {kTextWidth, kTransformers}; }

AdapterFile Example() {
  AdapterFile adapter;
  adapter.base_model_digest = std::string(64, 'a');
  adapter.placeholder = "S*";
  adapter.init_word = "robot";
  adapter.steps = 300;
  adapter.seed = std::numeric_limits<uint64_t>::max();
  adapter.code_version = "0.1.0";
  adapter.config = R"({"steps": 300})";
  adapter.reference_sha256 = std::string(64, 'b');
  Adapter module(kTransformers, std::vector<int64_t>{1, 2}, kTextWidth, 5, BlockStart::kDefault);
  adapter.sites = module->site_names();
  for (const auto& [name, tensor] : module->NamedTensors()) {
    adapter.tensors[name] = tensor.detach().clone();
  }
  return adapter;
}

/// A file with this metadata and these tensors, valid or not.
std::string Raw(const AdapterFile& adapter, const Metadata& changes = {},
                const std::string& without = "") {
  Metadata metadata = {{"format", "vico-adapter"},
                       {"format_version", "1"},
                       {"dialect", "paper"},
                       {"base_model_digest", adapter.base_model_digest},
                       {"placeholder", adapter.placeholder},
                       {"init_word", adapter.init_word},
                       {"sites", nlohmann::json(adapter.sites).dump()}};
  for (const auto& [key, value] : changes) metadata[key] = value;
  metadata.erase(without);
  return SerializeTensors(adapter.tensors, metadata).value();
}

TEST(AdapterFormat, EverythingSurvivesTheFile) {
  const auto adapter = Example();
  const auto bytes = SerializeAdapter(adapter);
  ASSERT_THAT(bytes, IsOk());
  const auto parsed = ParseAdapter(*bytes, "upload", Target());
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->dialect, "paper");
  EXPECT_EQ(parsed->base_model_digest, adapter.base_model_digest);
  EXPECT_EQ(parsed->placeholder, "S*");
  EXPECT_EQ(parsed->init_word, "robot");
  EXPECT_EQ(parsed->sites, adapter.sites);
  EXPECT_EQ(parsed->steps, 300);
  EXPECT_EQ(parsed->seed, adapter.seed);
  EXPECT_EQ(parsed->code_version, "0.1.0");
  EXPECT_EQ(parsed->config, adapter.config);
  EXPECT_EQ(parsed->reference_sha256, adapter.reference_sha256);
  ASSERT_EQ(parsed->tensors.size(), 41u);
  for (const auto& [name, tensor] : adapter.tensors) {
    EXPECT_TRUE(torch::equal(parsed->tensors.at(name), tensor)) << name;
  }
}

TEST(AdapterFormat, AnAdapterOfAnotherBaseModelIsReadIfItsShapesFit) {
  auto adapter = Example();
  adapter.base_model_digest = std::string(64, 'c');
  const auto parsed = ParseAdapter(*SerializeAdapter(adapter), "upload", Target());
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->base_model_digest, adapter.base_model_digest);
  AdapterTarget wider = Target();
  wider.transformers.back().channels *= 2;
  EXPECT_THAT(ParseAdapter(*SerializeAdapter(adapter), "upload", wider),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(AdapterFormat, EqualAdaptersAreEqualFiles) {
  EXPECT_EQ(*SerializeAdapter(Example()), *SerializeAdapter(Example()));
}

TEST(AdapterFormat, ModuleGetsTheFilesWeights) {
  const auto adapter = Example();
  auto module = MakeAdapter(adapter, kTransformers);
  EXPECT_EQ(module->sites(), (std::vector<int64_t>{1, 2}));
  for (const auto& [name, tensor] : module->NamedTensors()) {
    EXPECT_TRUE(torch::equal(tensor, adapter.tensors.at(name))) << name;
  }
}

TEST(AdapterFormat, LeavesAreTheModulesOwn) {
  TransformerBlock block(8, 8, 2);
  const auto parameters = block->named_parameters();
  const auto leaves = AdapterLeaves(8);
  EXPECT_EQ(leaves.size(), 20u);
  EXPECT_EQ(parameters.size(), leaves.size());
  for (const auto& [name, shape] : leaves) {
    ASSERT_TRUE(parameters.contains(name)) << name;
    EXPECT_EQ(parameters[name].sizes(), torch::IntArrayRef(shape)) << name;
  }
}

// Written once by another program (record_adapter.py); must stay readable for ever.
TEST(AdapterFormat, VersionOneFileIsRead) {
  const auto parsed = ParseAdapter(golden::ReadFile("adapter_v1.safetensors"), "v1", Target());
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->placeholder, "S*");
  EXPECT_EQ(parsed->init_word, "teapot");
  EXPECT_EQ(parsed->steps, 400);
  EXPECT_EQ(parsed->sites, (std::vector<std::string>{"up_blocks.1.attentions.0"}));
  EXPECT_EQ(parsed->tensors.at("placeholder_embedding")[0][1].item<float>(), 0.25f);
  EXPECT_EQ(parsed->tensors.at("up_blocks.1.attentions.0.image_cross_attention.attn2.to_k.weight")
                .sum()
                .item<float>(),
            32.0f);
}

struct BrokenCase {
  const char* name;
  std::string bytes;
  const char* message;
};
void PrintTo(const BrokenCase& item, std::ostream* out) { *out << item.name; }

class BrokenAdapter : public ::testing::TestWithParam<BrokenCase> {};

TEST_P(BrokenAdapter, IsRefused) {
  const auto parsed = ParseAdapter(GetParam().bytes, "upload", Target());
  EXPECT_THAT(parsed, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(parsed, HasMessage(HasSubstr("upload: ")));
  EXPECT_THAT(parsed, HasMessage(HasSubstr(GetParam().message)));
}

std::vector<BrokenCase> BrokenCases() {
  const auto good = Example();
  const std::string leaf = "up_blocks.1.attentions.0.image_cross_attention.norm2.bias";
  const auto with = [&](const std::string& name, const torch::Tensor& tensor) {
    auto changed = good;
    changed.tensors[name] = tensor;
    return Raw(changed);
  };
  auto without_leaf = good;
  without_leaf.tensors.erase(leaf);
  auto without_word = good;
  without_word.tensors.erase("placeholder_embedding");
  auto infinite = torch::zeros({8});
  infinite[3] = std::numeric_limits<float>::infinity();
  auto unknown_site = good;
  unknown_site.sites[0] = "up_blocks.9.attentions.0";
  return {
      {"NotSafetensors", "hello", "too short"},
      {"NoFormat", Raw(good, {}, "format"), "\"format\": is missing"},
      {"OtherFormat", Raw(good, {{"format", "lora"}}), "must be vico-adapter, found \"lora\""},
      {"LaterVersion", Raw(good, {{"format_version", "2"}}), "\"format_version\": must be 1"},
      {"OtherDialect", Raw(good, {{"dialect", "x"}}), "\"dialect\": must be paper"},
      {"BadDigest", Raw(good, {{"base_model_digest", "AA"}}), "64 lower-case"},
      {"NoInitWord", Raw(good, {}, "init_word"), "\"init_word\": is missing"},
      {"NoSites", Raw(good, {{"sites", "[]"}}), "\"sites\": must be a JSON list"},
      {"SameSiteTwice",
       Raw(good, {{"sites", R"(["up_blocks.0.attentions.0","up_blocks.0.attentions.0"])"}}),
       "\"sites\": must be a JSON list"},
      {"UnknownSite", Raw(unknown_site), "no transformer \"up_blocks.9.attentions.0\""},
      {"StepsNoNumber", Raw(good, {{"steps", "1e3"}}), "\"steps\": must be a whole number"},
      {"MissingLeaf", Raw(without_leaf), "norm2.bias\": is missing"},
      {"NoWord", Raw(without_word), "\"placeholder_embedding\": is missing"},
      {"ExtraTensor", with("extra", torch::zeros({1})), "\"extra\": belongs to no site"},
      {"TensorOfNoSite",
       with("down_blocks.0.attentions.0.image_cross_attention.norm2.bias", torch::zeros({16})),
       "belongs to no site"},
      {"WrongShape", with(leaf, torch::zeros({16})), "norm2.bias\": must be [8], found [16]"},
      {"WrongTextWidth", with("placeholder_embedding", torch::zeros({1, 7})),
       "must be [1, 6], found [1, 7]"},
      {"Infinite", with(leaf, infinite), "norm2.bias\": holds a number that is not finite"},
      {"Integers", with(leaf, torch::zeros({8}, torch::kInt64)), "must be F32, F16 or BF16"},
  };
}

INSTANTIATE_TEST_SUITE_P(Table, BrokenAdapter, ::testing::ValuesIn(BrokenCases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(AdapterFormat, WriterRefusesWhatTheReaderWould) {
  auto nan = Example();
  nan.tensors["placeholder_embedding"][0][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(SerializeAdapter(nan), HasMessage(HasSubstr("not finite")));
  auto incomplete = Example();
  incomplete.tensors.erase("up_blocks.1.attentions.0.image_cross_attention.ff.net.2.bias");
  EXPECT_THAT(SerializeAdapter(incomplete), HasMessage(HasSubstr("ff.net.2.bias\": is missing")));
  EXPECT_FALSE(SerializeAdapter({}).ok());
}

}  // namespace
}  // namespace vico::worker
