// Evaluations on the tiny base model: the pictures are those of generations, the figures those of
// the networks at hand, and what stops one.
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/worker/torch_engine/torch_engine_fixture.h"
#include "worker/io/file.h"
#include "worker/io/image.h"

namespace vico::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kClip[] = "tests/golden/towers/clip";
constexpr char kDino[] = "tests/golden/towers/dino";

class EngineEvaluationTest : public TorchEngineTest {
 protected:
  static void TearDownTestSuite() {
    delete std::exchange(trained_, nullptr);
    TorchEngineTest::TearDownTestSuite();
  }

  void SetUp() override {
    if (trained_ != nullptr) return;  // once for all tests
    train_.set_steps(3);
    train_.set_sample_every_steps(0);
    const auto trained = Train();
    ASSERT_THAT(trained, IsOk());
    trained_ = new TrainedAdapter(*trained);
  }

  EngineEvaluationTest() {
    spec_.set_adapter("adapters/1");
    spec_.set_base_model("baseModels/tiny");
    for (const char* prompt : {"a photo of a S* on the beach", "a photo of a S*"}) {
      spec_.add_prompts(prompt);
    }
    spec_.set_picture_count(2);
    spec_.set_seed(4);
    measures_.on_step = [this](int64_t step, int64_t total) {
      steps_of_.emplace_back(step, total);
      return true;
    };
    measures_.keep_going = [] { return true; };
    measures_.on_warning = [this](const std::string& reason, const std::string&) {
      warnings_.push_back(reason);
    };
  }
  absl::StatusOr<EvaluatedAdapter> Evaluate(Engine& engine) {
    return engine.Evaluate(spec_, SourceOf(*trained_), pictures_, measures_);
  }

  /// An engine with networks to measure with.
  static std::unique_ptr<Engine> Open(const std::string& clip = "", const std::string& dino = "") {
    auto engine = OpenTorchEngine(
        {.base_models = {base_}, .device = "cpu", .threads = 1, .clip = clip, .dino = dino},
        Log::Off());
    EXPECT_THAT(engine, IsOk());
    return engine.ok() ? *std::move(engine) : nullptr;
  }

  static std::map<std::string, v1::AdapterReport::Figure> FiguresOf(
      const v1::AdapterReport& report) {
    std::map<std::string, v1::AdapterReport::Figure> figures;
    for (const auto& figure : report.figures()) figures[figure.name()] = figure;
    return figures;
  }

  static inline TrainedAdapter* trained_ = nullptr;

  v1::EvaluateSpec spec_;
  EvaluateCallbacks measures_;
  std::vector<std::pair<int64_t, int64_t>> steps_of_;
  std::vector<std::string> warnings_;
};

TEST_F(EngineEvaluationTest, WithoutANetworkThereAreMasksAndASheetAndAWarning) {
  const auto evaluated = Evaluate(*engine_);
  ASSERT_THAT(evaluated, IsOk());
  EXPECT_FALSE(evaluated->stopped);
  EXPECT_THAT(warnings_, ElementsAre("NO_SCORER"));
  const v1::AdapterReport& report = evaluated->report;
  EXPECT_THAT(report.figures(), IsEmpty());
  EXPECT_THAT(report.prompts(), ElementsAre("a photo of a S* on the beach", "a photo of a S*"));
  EXPECT_THAT(report.seeds(), ElementsAre(4u, 5u));
  EXPECT_GT(report.mask_coverage(), 0);
  EXPECT_LE(report.mask_coverage(), 1);
  EXPECT_GT(report.mask_stability(), 0);
  EXPECT_LE(report.mask_stability(), 1);
  const auto sheet = DecodePng(evaluated->sheet.bytes);
  ASSERT_THAT(sheet, IsOk());
  EXPECT_EQ(sheet->width, evaluated->sheet.width);
  EXPECT_GT(sheet->width, 4 * 128) << "two before and two after";
  // The same again.
  const auto again = Evaluate(*engine_);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->sheet.bytes, evaluated->sheet.bytes);
  EXPECT_EQ(again->report.mask_stability(), report.mask_stability());
}

TEST_F(EngineEvaluationTest, ProgressCountsTheStepsOfAllPictures) {
  ASSERT_THAT(Evaluate(*engine_), IsOk());
  const auto steps = static_cast<int64_t>(steps_of_.size());
  ASSERT_GT(steps, 0);
  EXPECT_EQ(steps % 4, 0) << "two prompts, before and after";
  for (int64_t i = 0; i < steps; ++i) {
    EXPECT_EQ(steps_of_[static_cast<size_t>(i)], std::pair(i + 1, steps));
  }
}

TEST_F(EngineEvaluationTest, ACallbackStopsTheDrawing) {
  measures_.on_step = [](int64_t step, int64_t) { return step < 3; };
  const auto evaluated = Evaluate(*engine_);
  ASSERT_THAT(evaluated, IsOk());
  EXPECT_TRUE(evaluated->stopped);
}

TEST_F(EngineEvaluationTest, ACallbackStopsTheMeasuring) {
  const auto engine = Open(kClip);
  for (int most : {1, 5}) {  // among the masks, among the figures
    int asked = 0;
    measures_.keep_going = [&] { return ++asked < most; };
    const auto evaluated = Evaluate(*engine);
    ASSERT_THAT(evaluated, IsOk());
    EXPECT_TRUE(evaluated->stopped);
    EXPECT_EQ(asked, most);
  }
}

TEST_F(EngineEvaluationTest, EachNetworkGivesItsFigures) {
  const auto engine = Open(kClip, kDino);
  const auto evaluated = Evaluate(*engine);
  ASSERT_THAT(evaluated, IsOk());
  EXPECT_THAT(warnings_, IsEmpty());
  const auto figures = FiguresOf(evaluated->report);
  ASSERT_EQ(figures.size(), 4u);
  for (const char* name : {"clip_i", "clip_t"}) {
    EXPECT_THAT(figures.at(name).measured_with(), HasSubstr("CLIP ")) << name;
  }
  for (const char* name : {"dino", "nearest_picture"}) {
    EXPECT_THAT(figures.at(name).measured_with(), HasSubstr("DINO ")) << name;
  }
  for (const auto& [name, figure] : figures) {
    ASSERT_EQ(figure.after_by_prompt_size(), 2) << name;
    EXPECT_NEAR(figure.after(), (figure.after_by_prompt(0) + figure.after_by_prompt(1)) / 2, 1e-9);
    EXPECT_LE(std::abs(figure.before()), 1 + 1e-9) << name;
    EXPECT_NE(figure.before(), figure.after()) << name;
  }
}

// With the concept as a generation's picture the nearest picture is a copy.
TEST_F(EngineEvaluationTest, ThePicturesBeforeAreThoseOfTheBaseModelAlone) {
  generate_ = engine_->offers().front().base_model.generation_defaults();
  generate_.set_base_model("baseModels/tiny");
  generate_.set_prompt("a photo of a mug on the beach");
  generate_.add_seeds(4);
  ASSERT_THAT(engine_->Generate(generate_, {}, draws_), IsOk());
  spec_.mutable_prompts()->DeleteSubrange(1, 1);
  spec_.set_picture_count(1);
  const auto engine = Open(kClip);

  const auto evaluated = engine->Evaluate(spec_, SourceOf(*trained_), {drawn_.at(0)}, measures_);

  ASSERT_THAT(evaluated, IsOk());
  const auto figures = FiguresOf(evaluated->report);
  EXPECT_NEAR(figures.at("clip_i").before(), 1, 1e-5);
  EXPECT_NEAR(figures.at("nearest_picture").before(), 1, 1e-5);
  EXPECT_LT(figures.at("clip_i").after(), 1 - 1e-5);
}

TEST_F(EngineEvaluationTest, ThePicturesAfterAreThoseOfTheAdapter) {
  generate_ = engine_->offers().front().base_model.generation_defaults();
  generate_.set_base_model("baseModels/tiny");
  generate_.set_prompt("a photo of a S* on the beach");
  generate_.add_seeds(4);
  const AdapterSource source = SourceOf(*trained_);
  ASSERT_THAT(engine_->Generate(generate_, {.adapter = &source}, draws_), IsOk());
  spec_.mutable_prompts()->DeleteSubrange(1, 1);
  spec_.set_picture_count(1);
  const auto engine = Open("", kDino);

  const auto evaluated = engine->Evaluate(spec_, SourceOf(*trained_), {drawn_.at(0)}, measures_);

  ASSERT_THAT(evaluated, IsOk());
  EXPECT_NEAR(FiguresOf(evaluated->report).at("dino").after(), 1, 1e-5);
}

TEST_F(EngineEvaluationTest, TheBaseModelsOwnScorerIsNotCalledClip) {
  const std::string path = base_ + "/vico.json";
  const std::string before = FileBytes(path);
  auto description = nlohmann::json::parse(before);
  description["scorer"] = std::filesystem::absolute("toyworld/base/scorer.safetensors").string();
  ASSERT_THAT(WriteSmallFile(path, description.dump()), IsOk());
  const auto engine = Open();
  ASSERT_THAT(WriteSmallFile(path, before), IsOk());

  const auto evaluated = Evaluate(*engine);

  ASSERT_THAT(evaluated, IsOk());
  const auto figures = FiguresOf(evaluated->report);
  ASSERT_EQ(figures.size(), 3u);
  for (const char* name : {"concept_fidelity", "prompt_fidelity", "nearest_picture"}) {
    EXPECT_EQ(figures.at(name).measured_with(), "toyworld scorer") << name;
  }
  EXPECT_TRUE(std::isnan(figures.at("prompt_fidelity").after_by_prompt(1))) << "names no scene";
}

TEST_F(EngineEvaluationTest, AMissingNetworkIsNamedWithItsFlagAndFile) {
  TorchEngineOptions options = {.base_models = {base_}, .device = "cpu"};
  options.clip = kDino;
  EXPECT_THAT(OpenTorchEngine(options, Log::Off()),
              HasMessage(testing::AllOf(HasSubstr("--clip: "), HasSubstr("dino/config.json"))));
  options.clip.clear();
  options.dino = "/nowhere";
  EXPECT_THAT(OpenTorchEngine(options, Log::Off()),
              HasMessage(testing::AllOf(HasSubstr("--dino: "), HasSubstr("/nowhere/config.json"))));
}

TEST_F(EngineEvaluationTest, AConceptPictureThatIsNoPictureIsRefused) {
  EXPECT_THAT(engine_->Evaluate(spec_, SourceOf(*trained_), {"no PNG"}, measures_),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vico::worker
