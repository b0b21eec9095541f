// Jobs on base models that differ from Stable Diffusion's own: schedulers, added tokens, names.
#include <filesystem>

#include <nlohmann/json.hpp>

#include "tests/worker/torch_engine/torch_engine_fixture.h"
#include "worker/io/file.h"
#include "worker/io/tensors.h"

namespace vico::worker {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class BaseVariantsTest : public TorchEngineTest {
 protected:
  BaseVariantsTest() {
    fs::copy(base_, path_, fs::copy_options::recursive);
    shows_.on_warning = [this](const std::string& reason, const std::string& message) {
      warnings_.emplace_back(reason, message);
    };
  }

  template <typename Change>
  void ChangeJson(const std::string& name, Change&& change) {
    json value = json::parse(ReadSmallFile(path_ + "/" + name).value());
    change(value);
    ASSERT_THAT(WriteSmallFile(path_ + "/" + name, value.dump()), IsOk());
  }

  std::unique_ptr<Engine> Open() {
    auto engine = OpenTorchEngine({.base_models = {path_}, .device = "cpu", .code_version = "test"},
                                  Log::Off());
    EXPECT_THAT(engine, IsOk());
    return *std::move(engine);
  }

  TempFolder other_;
  std::string path_ = other_.path() + "/tiny";
  std::vector<std::pair<std::string, std::string>> warnings_;
};

TEST_F(BaseVariantsTest, AFieldOfASamplerIsRefusedOnlyWhereItIsFollowed) {
  ChangeJson("scheduler/scheduler_config.json", [](json& file) {
    file["thresholding"] = true;
    file["solver_order"] = 3;
  });
  const auto engine = Open();
  for (const char* scheduler : {"euler", "pndm", "heun", "euler_ancestral"}) {
    generate_.set_scheduler(scheduler);
    EXPECT_THAT(engine->Generate(generate_, {}, draws_), IsOk()) << scheduler;
  }
  for (const char* scheduler : {"ddim", "unipc", "dpmsolver++"}) {
    generate_.set_scheduler(scheduler);
    const auto drawn = engine->Generate(generate_, {}, draws_);
    EXPECT_THAT(drawn, HasReason("SCHEDULER_UNSUPPORTED")) << scheduler;
    EXPECT_THAT(drawn, HasMessage(AllOf(HasSubstr("scheduler_config.json: "),
                                        HasSubstr("choose pndm, euler"))));
  }
}

TEST_F(BaseVariantsTest, ATrainingLeavesOutSamplesThatTheBaseModelCannotDraw) {
  ChangeJson("scheduler/scheduler_config.json", [](json& file) { file["thresholding"] = true; });
  const auto engine = Open();
  const auto trained = engine->Train(train_, pictures_, shows_);
  ASSERT_THAT(trained, IsOk());
  EXPECT_TRUE(samples_.empty());
  EXPECT_FALSE(masks_.empty());
  EXPECT_THAT(warnings_,
              testing::ElementsAre(testing::Pair("SAMPLES_LEFT_OUT", HasSubstr("thresholding"))));
}

// More rows than tokens, and a token beyond the vocabulary.
TEST_F(BaseVariantsTest, AnExtendedVocabularyTrainsAndDraws) {
  int64_t size = 0;
  ChangeJson("text_encoder/config.json", [&](json& config) {
    size = config["vocab_size"].get<int64_t>();
    config["vocab_size"] = size + 56;
  });
  const std::string weights = path_ + "/text_encoder/model.safetensors";
  TensorMap tensors = ReadTensors(SafetensorsFile::Open(weights).value());
  auto& rows = tensors.at("text_model.embeddings.token_embedding.weight");
  rows = torch::cat({rows, torch::full({56, rows.size(1)}, 0.5, rows.options())});
  ASSERT_THAT(WriteTensors(weights, tensors, {}), IsOk());
  const auto plain = Open();
  ASSERT_THAT(
      WriteSmallFile(path_ + "/tokenizer/added_tokens.json", json{{"<cat-toy>", size + 3}}.dump()),
      IsOk());
  const auto engine = Open();
  EXPECT_EQ(engine->offers()[0].added_tokens, json({{"<cat-toy>", size + 3}}).dump());
  EXPECT_EQ(plain->offers()[0].added_tokens, "");

  train_.set_init_word("<cat-toy>");
  const auto trained = engine->Train(train_, pictures_, shows_);
  ASSERT_THAT(trained, IsOk());
  const AdapterSource source = SourceOf(*trained);
  EXPECT_THAT(engine->Generate(generate_, {.adapter = &source}, draws_), IsOk());

  generate_.set_prompt("a photo of <cat-toy>");
  ASSERT_THAT(engine->Generate(generate_, {}, draws_), IsOk());
  const std::string with_token = drawn_.at(0);
  ASSERT_THAT(plain->Generate(generate_, {}, draws_), IsOk());
  EXPECT_NE(Sha256Hex(drawn_.at(0)), Sha256Hex(with_token));
}

// The templates have a slot for the learned word, so its spelling does not matter.
TEST_F(BaseVariantsTest, AWordOfTheTemplatesTrainsAsAnyOther) {
  train_.set_sample_every_steps(0);
  const auto losses = [&](const std::string& word) {
    steps_.clear();
    train_.set_placeholder(word);
    EXPECT_THAT(Train(), IsOk());
    std::vector<double> found;
    for (const TrainStep& step : steps_) found.push_back(step.loss);
    return found;
  };
  const auto expected = losses("S*");
  for (const char* word : {"photo", "a", "of", "close-up", "the", "my"}) {
    EXPECT_EQ(losses(word), expected) << word;
  }
}

TEST_F(BaseVariantsTest, NamesThatClashAreMendedWithAName) {
  const std::string second = other_.path() + "/tiny2";
  fs::copy(base_, second, fs::copy_options::recursive);
  const auto opened = [&](const std::string& a, const std::string& b) {
    return OpenTorchEngine({.base_models = {a, b}, .device = "cpu", .code_version = "test"},
                           Log::Off());
  };
  EXPECT_THAT(opened(path_, second),
              HasMessage(AllOf(HasSubstr("baseModels/tiny is the name of another"),
                               HasSubstr("NAME=PATH"), HasSubstr("vico.json"))));
  const auto named = opened(path_, "other=" + second);
  ASSERT_THAT(named, IsOk());
  EXPECT_EQ((*named)->offers()[1].base_model.name(), "baseModels/other");
  EXPECT_THAT(opened(path_, "Wrong=" + second), HasMessage(HasSubstr("must be 1 to 63")));

  for (const char* name : {"模型", "图鉴"}) {
    fs::copy(base_, other_.path() + "/" + name, fs::copy_options::recursive);
    fs::remove(other_.path() + "/" + name + "/vico.json");
  }
  const auto chinese = opened(other_.path() + "/模型", other_.path() + "/图鉴");
  ASSERT_THAT(chinese, IsOk());
  EXPECT_NE((*chinese)->offers()[0].base_model.name(), (*chinese)->offers()[1].base_model.name());
  EXPECT_EQ((*chinese)->offers()[0].base_model.display_name(), "模型");
}

}  // namespace
}  // namespace vico::worker
