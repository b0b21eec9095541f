#include <limits>

#include <gmock/gmock.h>

#include "server/checks/job_requests.h"
#include "tests/server/checks/spec_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A numeric field of a spec, with its bounds and values just beyond them.
struct NumberCase {
  std::string field;
  double min, max, below, above;
  std::function<void(v1::TrainSpec&, v1::GenerateSpec&, double)> set;
};

class NumberTest : public RequestTest, public testing::WithParamInterface<NumberCase> {};

TEST_P(NumberTest, IsAcceptedAtItsBoundsAndRefusedBeyondThem) {
  const NumberCase& number = GetParam();
  const bool is_train = number.field.starts_with("train.");
  const auto check = [&](double value) {
    v1::TrainSpec train = train_;
    v1::GenerateSpec generate = generate_;
    number.set(train, generate, value);
    const SpecSurroundings surroundings{base_, tokenizer_, draw_seed_};
    return is_train ? CheckTrainSpec(train, concept_, surroundings).status()
                    : CheckGenerateSpec(generate, &adapter_, surroundings).status();
  };
  EXPECT_THAT(check(number.min), IsOk());
  EXPECT_THAT(check(number.max), IsOk());
  for (const double wrong : {number.below, number.above}) {
    EXPECT_THAT(check(wrong), HasCode(absl::StatusCode::kInvalidArgument)) << wrong;
    EXPECT_THAT(check(wrong), NamesField(number.field)) << wrong;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Specs, NumberTest,
    testing::Values(
        NumberCase{"train.steps", 1, 5000, 0, 5001,
                   [](auto& train, auto&, double v) { train.set_steps(static_cast<int>(v)); }},
        NumberCase{"train.batch_size", 1, 4, 0, 5,
                   [](auto& train, auto&, double v) { train.set_batch_size(static_cast<int>(v)); }},
        NumberCase{"train.embedding_learning_rate", 1e-6, 1e-1, 9e-7, 0.11,
                   [](auto& train, auto&, double v) { train.set_embedding_learning_rate(v); }},
        NumberCase{"train.attention_learning_rate", 1e-6, 1e-1, 9e-7, 0.11,
                   [](auto& train, auto&, double v) { train.set_attention_learning_rate(v); }},
        NumberCase{"train.regularizer_weight", 0, 1, -1e-9,
                   std::numeric_limits<double>::quiet_NaN(),
                   [](auto& train, auto&, double v) { train.set_regularizer_weight(v); }},
        NumberCase{"train.min_snr_gamma", 0, 100, -1e-9, 100.1,
                   [](auto& train, auto&, double v) { train.set_min_snr_gamma(v); }},
        NumberCase{"train.sample_every_steps", 0, 5000, -1, 5001,
                   [](auto& train, auto&, double v) {
                     train.set_sample_every_steps(static_cast<int>(v));
                   }},
        NumberCase{"generate.picture_count", 1, 8, 0, 9,
                   [](auto&, auto& generate, double v) {
                     generate.set_picture_count(static_cast<int>(v));
                   }},
        NumberCase{"generate.guidance_scale", 0, 30, -0.1, 30.1,
                   [](auto&, auto& generate, double v) { generate.set_guidance_scale(v); }},
        NumberCase{
            "generate.steps", 1, 100, 0, 101,
            [](auto&, auto& generate, double v) { generate.set_steps(static_cast<int>(v)); }},
        NumberCase{"generate.eta", 0, 1, -0.1, std::numeric_limits<double>::infinity(),
                   [](auto&, auto& generate, double v) { generate.set_eta(v); }},
        NumberCase{"generate.strength", 0, 2, -0.01, 2.01,
                   [](auto&, auto& generate, double v) { generate.set_strength(v); }},
        NumberCase{"generate.preview_every_steps", 0, 100, -1, 101,
                   [](auto&, auto& generate, double v) {
                     generate.set_preview_every_steps(static_cast<int>(v));
                   }},
        NumberCase{
            "generate.width", 32, 128, 24, 136,
            [](auto&, auto& generate, double v) { generate.set_width(static_cast<int>(v)); }},
        NumberCase{"generate.height", 32, 128, 33, 136, [](auto&, auto& generate, double v) {
                     generate.set_height(static_cast<int>(v));
                   }}));

TEST_F(RequestTest, MissingFieldsOfATrainingGetDefaults) {
  const auto checked = Train();
  ASSERT_THAT(checked, IsOk());
  const v1::TrainSpec& spec = checked->spec.train();
  EXPECT_EQ(spec.base_model(), kTestBase);
  EXPECT_EQ(spec.steps(), 120);  // the base model's
  EXPECT_EQ(spec.batch_size(), 1);
  EXPECT_DOUBLE_EQ(spec.embedding_learning_rate(), 5e-3);
  EXPECT_DOUBLE_EQ(spec.attention_learning_rate(), 1e-5);
  EXPECT_DOUBLE_EQ(spec.regularizer_weight(), 5e-4);
  EXPECT_EQ(spec.sample_every_steps(), 50);
  EXPECT_TRUE(spec.mask());
  EXPECT_EQ(spec.min_snr_gamma(), 0);
  EXPECT_EQ(spec.block_start(), v1::BLOCK_START_RANDOM);
  EXPECT_EQ(spec.learning_rate_schedule(), v1::LEARNING_RATE_SCHEDULE_CONSTANT);
  EXPECT_EQ(spec.placeholder(), "S*");
  EXPECT_EQ(spec.sample_prompt(), "a photo of S*");
  EXPECT_EQ(spec.dialect(), v1::DIALECT_PAPER);
  EXPECT_EQ(spec.determinism(), v1::DETERMINISM_BEST_EFFORT);
  EXPECT_TRUE(spec.has_seed());
  EXPECT_LT(spec.seed(), uint64_t{1} << 53);
  EXPECT_THAT(Reasons(checked), ElementsAre());
}

TEST_F(RequestTest, GivenValuesStay) {
  train_.set_steps(7);
  train_.set_mask(false);
  train_.set_seed(~uint64_t{0});
  train_.set_placeholder("<toy>");
  train_.set_sample_prompt("<toy> in the city");
  const auto checked = Train();
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->spec.train().steps(), 7);
  EXPECT_FALSE(checked->spec.train().mask());
  EXPECT_EQ(checked->spec.train().seed(), ~uint64_t{0});
  EXPECT_EQ(checked->spec.train().sample_prompt(), "<toy> in the city");
}

TEST_F(RequestTest, CheckingTwiceChangesNothing) {
  const auto train = Train();
  ASSERT_THAT(train, IsOk());
  train_ = train->spec.train();
  EXPECT_EQ(Train()->spec.SerializeAsString(), train->spec.SerializeAsString());
  const auto generate = Generate();
  ASSERT_THAT(generate, IsOk());
  generate_ = generate->spec.generate();
  EXPECT_EQ(Generate()->spec.SerializeAsString(), generate->spec.SerializeAsString());
}

TEST_F(RequestTest, TheInitWordMustBeOneToken) {
  for (const char* word : {"", "xylophonist", "a dog", "dogdogdog"}) {
    train_.set_init_word(word);
    EXPECT_THAT(Train(), NamesField("train.init_word")) << word;
  }
  train_.set_init_word(std::string(33, 'a'));
  EXPECT_THAT(Train(), NamesField("train.init_word"));
}

TEST_F(RequestTest, AWordOfTheVocabularyIsNoPlaceholder) {
  for (const char* word : {"dog", "photo", "Photo", "x", "*"}) {
    train_.set_placeholder(word);
    EXPECT_THAT(Train(), NamesField("train.placeholder")) << word;
    EXPECT_THAT(Train(), HasMessage(HasSubstr("use \"S*\""))) << word;
  }
  for (const char* word : {"sks", "V*", "photo-x", "<dog>"}) {
    train_.set_placeholder(word);
    EXPECT_THAT(Train(), IsOk()) << word;
  }
}

TEST_F(RequestTest, LengthsAreCountedInCharacters) {
  train_.set_placeholder("\u00f1");
  EXPECT_THAT(Train(), HasMessage(HasSubstr("got \"\u00f1\"")));
  std::string long_word;
  for (int i = 0; i < 33; ++i) long_word += "\u00f1";
  train_.set_placeholder(long_word);
  EXPECT_THAT(Train(), HasMessage(HasSubstr("got 33")));
  EXPECT_THAT(CheckName("name", long_word, 33), IsOk());
  EXPECT_THAT(CheckName("name", long_word, 32), HasMessage(HasSubstr("at most 32 characters")));
  EXPECT_THAT(CheckRequestId("request_id", "\u00f1"), HasMessage(HasSubstr("got 1")));
}

/// Text that shows as other text.
std::vector<std::string> NotPlain() {
  return {"a\x1b[2J", std::string("a\0b", 3),
          "a\x7f",    "a\u0085",
          "a\u009b",  "a\u202e",
          "a\u2066",  "a\u200f",
          "a\u061c",  "a\u2028"};
}

TEST_F(RequestTest, TextHasNoControlAndNoBidirectionalCharacters) {
  for (const std::string& bad : NotPlain()) {
    v1::TrainSpec train = train_;
    train_.set_init_word(bad);
    EXPECT_THAT(Train(), NamesField("train.init_word")) << bad;
    train_ = train;
    train_.set_sample_prompt("S* " + bad);
    EXPECT_THAT(Train(), NamesField("train.sample_prompt")) << bad;
    train_ = train;
    v1::GenerateSpec generate = generate_;
    generate_.set_prompt("S* " + bad);
    EXPECT_THAT(Generate(), NamesField("generate.prompt")) << bad;
    generate_ = generate;
    generate_.set_negative_prompt(bad);
    EXPECT_THAT(Generate(), NamesField("generate.negative_prompt")) << bad;
    generate_ = generate;
    EXPECT_THAT(CheckName("display_name", bad, 255), NamesField("display_name")) << bad;
  }
  generate_.set_prompt("S*\ton\r\na beach, \u05d1\u05d9\u05ea, \u6a21\u578b");
  EXPECT_THAT(Generate(), IsOk()) << "line ends, tabs and all scripts";
  EXPECT_THAT(CheckName("display_name", "a\nb", 255), HasMessage(HasSubstr("U+000A")));
}

TEST_F(RequestTest, ABlankPromptIsNone) {
  for (const char* blank : {"", "   ", "\t\n", "\u00a0", "\u3000\u2003", "\u200b"}) {
    generate_.set_prompt(blank);
    EXPECT_THAT(Generate(), NamesField("generate.prompt")) << "\"" << blank << "\"";
  }
  train_.set_sample_prompt("  ");
  EXPECT_THAT(Train(), NamesField("train.sample_prompt"));
  generate_.set_prompt("S*");
  generate_.set_negative_prompt("  ");
  EXPECT_THAT(Generate(), IsOk());
}

TEST_F(RequestTest, NumbersThatNoEnumHasAreRefused) {
  train_.set_determinism(static_cast<v1::Determinism>(9));
  EXPECT_THAT(Train(), NamesField("train.determinism"));
  EXPECT_THAT(Train(), HasMessage(HasSubstr("must be DETERMINISM_BEST_EFFORT or "
                                            "DETERMINISM_SOLO, got 9")));
  train_.set_determinism(v1::DETERMINISM_SOLO);
  train_.set_resize(static_cast<v1::Resize>(-1));
  EXPECT_THAT(Train(), NamesField("train.resize"));
  generate_.set_determinism(static_cast<v1::Determinism>(9));
  EXPECT_THAT(Generate(), NamesField("generate.determinism"));
  v1::ListJobsRequest list;
  EXPECT_THAT(CheckListJobs(list), IsOk());
  list.set_kind(static_cast<v1::JobKind>(9));
  EXPECT_THAT(CheckListJobs(list), NamesField("kind"));
  list.set_kind(v1::JOB_KIND_TRAINING);
  list.add_states(v1::JOB_STATE_QUEUED);
  list.add_states(static_cast<v1::JobState>(77));
  EXPECT_THAT(CheckListJobs(list), NamesField("states[1]"));
}

TEST_F(RequestTest, SeveralSamplePromptsAreTaken) {
  train_.add_sample_prompts("S* in the city");
  train_.add_sample_prompts("a dog");
  train_.add_sample_seeds(7);
  train_.add_sample_seeds(8);
  train_.set_sample_first(true);
  const auto checked = Train();
  ASSERT_THAT(checked, IsOk());
  const v1::TrainSpec& spec = checked->spec.train();
  EXPECT_EQ(spec.sample_prompt(), "S* in the city");
  EXPECT_THAT(spec.sample_prompts(), ElementsAre("S* in the city", "a dog"));
  EXPECT_THAT(spec.sample_seeds(), ElementsAre(7, 8));
  EXPECT_TRUE(spec.sample_first());
  EXPECT_THAT(Reasons(checked), ElementsAre("PROMPT_WITHOUT_PLACEHOLDER"));
  EXPECT_THAT(checked->warnings[0].message(), HasSubstr("train.sample_prompts[1]"));
}

TEST_F(RequestTest, WrongSamplePromptsAreNamed) {
  train_.set_sample_prompt("another");
  for (const char* prompt : {"S*", " "}) train_.add_sample_prompts(prompt);
  train_.add_sample_seeds(1);
  for (const char* field :
       {"train.sample_prompt:", "train.sample_prompts[1]", "train.sample_seeds"}) {
    EXPECT_THAT(Train(), HasMessage(HasSubstr(field)));
  }
  for (int i = 0; i < 3; ++i) train_.add_sample_prompts("S*");
  EXPECT_THAT(Train(), NamesField("train.sample_prompts"));
}

TEST_F(RequestTest, PicturesAreSqueezedUnlessTheRequestOrTheBaseModelSaysOtherwise) {
  EXPECT_EQ(Train()->spec.train().resize(), v1::RESIZE_SQUEEZE);
  base_.mutable_training_defaults()->set_resize(v1::RESIZE_PAD);
  EXPECT_EQ(Train()->spec.train().resize(), v1::RESIZE_PAD);
  train_.set_resize(v1::RESIZE_CROP);
  EXPECT_EQ(Train()->spec.train().resize(), v1::RESIZE_CROP);
}

TEST_F(RequestTest, SqueezingPicturesFarFromSquareGivesAWarning) {
  const auto add = [this](int width, int height) {
    v1::ConceptPicture& picture = *concept_.add_pictures();
    picture.set_width(width);
    picture.set_height(height);
  };
  add(300, 200);
  add(200, 300);
  EXPECT_THAT(Reasons(Train()), ElementsAre()) << "3:2 is not beyond 3:2";
  add(301, 200);
  add(100, 400);
  const auto checked = Train();
  EXPECT_THAT(Reasons(checked), ElementsAre("PICTURE_NOT_SQUARE"));
  EXPECT_THAT(checked->warnings[0].message(), HasSubstr("pictures[2]"));
  EXPECT_THAT(checked->warnings[0].message(), HasSubstr("pictures[3] (100 x 400)"));
  for (const v1::Resize other : {v1::RESIZE_CROP, v1::RESIZE_PAD}) {
    train_.set_resize(other);
    EXPECT_THAT(Reasons(Train()), ElementsAre());
  }
}

TEST_F(RequestTest, DevicesAreAtMostTheBatch) {
  EXPECT_EQ(Train()->spec.train().devices(), 1);
  train_.set_batch_size(3);
  for (const int devices : {1, 3}) {
    train_.set_devices(devices);
    const auto checked = Train();
    ASSERT_THAT(checked, IsOk());
    EXPECT_EQ(checked->spec.train().devices(), devices);
  }
  train_.set_devices(4);
  EXPECT_THAT(Train(), NamesField("train.devices"));
  EXPECT_THAT(Train(), HasMessage(HasSubstr("must be at most train.batch_size, 3, got 4")));
  for (const int devices : {-1, 0, 9}) {
    train_.set_devices(devices);
    EXPECT_THAT(Train(), NamesField("train.devices")) << devices;
    EXPECT_THAT(Train(), HasMessage(HasSubstr("must be 1..8"))) << devices;
  }
}

TEST_F(RequestTest, AllWrongFieldsAreNamedAtOnce) {
  train_.set_placeholder("a b");
  train_.set_init_word("xylophonist");
  train_.set_steps(0);
  train_.set_batch_size(99);
  train_.set_dialect(static_cast<v1::Dialect>(7));
  const auto train = Train();
  for (const char* field : {"train.placeholder", "train.init_word", "train.steps",
                            "train.batch_size", "train.dialect"}) {
    EXPECT_THAT(train, HasMessage(HasSubstr(std::string(field) + ": must")));
  }
  generate_.set_prompt("");
  generate_.set_width(33);
  generate_.set_scheduler("none");
  generate_.set_picture_count(9);
  const auto generate = Generate();
  for (const char* field :
       {"generate.prompt", "generate.width", "generate.scheduler", "generate.picture_count"}) {
    EXPECT_THAT(generate, HasMessage(HasSubstr(std::string(field) + ": must")));
  }
}

TEST_F(RequestTest, PlaceholdersHaveAnAlphabetAndALength) {
  for (const std::string& good :
       {std::string("S*"), std::string("<a_b-C9>"), std::string(32, 'x')}) {
    train_.set_placeholder(good);
    EXPECT_THAT(Train(), IsOk()) << good;
  }
  for (const std::string& bad : {std::string("a b"), std::string("ä"), std::string("a\nb"),
                                 std::string("../x"), std::string(33, 'x')}) {
    train_.set_placeholder(bad);
    EXPECT_THAT(Train(), NamesField("train.placeholder")) << bad;
  }
}

TEST_F(RequestTest, BothDialectsAreTrainedAndNoOther) {
  train_.set_dialect(v1::DIALECT_MMAGIC);
  EXPECT_THAT(Train(), IsOk());
  train_.set_dialect(static_cast<v1::Dialect>(3));
  EXPECT_THAT(Train(), NamesField("train.dialect"));
}

TEST_F(RequestTest, SitesAreTheRequestedOrTheBaseModels) {
  for (const char* name : {"a.0", "a.1", "a.2"}) base_.add_transformers(name);
  EXPECT_THAT(Train()->spec.train().sites(), testing::IsEmpty());
  base_.mutable_training_defaults()->add_sites("a.1");
  EXPECT_THAT(Train()->spec.train().sites(), testing::ElementsAre("a.1"));
  train_.set_dialect(v1::DIALECT_MMAGIC);
  EXPECT_THAT(Train()->spec.train().sites(), testing::IsEmpty());
  train_.add_sites("a.2");
  train_.add_sites("a.0");
  EXPECT_THAT(Train()->spec.train().sites(), testing::ElementsAre("a.2", "a.0"));
}

TEST_F(RequestTest, SitesMustBeDifferentTransformersOfTheBaseModel) {
  for (const char* name : {"a.0", "a.1"}) base_.add_transformers(name);
  train_.add_sites("a.1");
  train_.add_sites("b.0");
  EXPECT_THAT(Train(), NamesField("train.sites"));
  train_.set_sites(1, "a.1");
  EXPECT_THAT(Train(), NamesField("train.sites"));
  base_.clear_transformers();  // offered by a worker that does not list them
  train_.set_sites(1, "b.0");
  EXPECT_THAT(Train(), IsOk());
  for (int i = 0; i < 15; ++i) train_.add_sites("c." + std::to_string(i));
  EXPECT_THAT(Train(), NamesField("train.sites"));
}

TEST_F(RequestTest, InitialBlocksAreTheRequestedOrTheBaseModels) {
  base_.mutable_training_defaults()->set_block_start(v1::BLOCK_START_ZERO);
  EXPECT_EQ(Train()->spec.train().block_start(), v1::BLOCK_START_ZERO);
  train_.set_block_start(v1::BLOCK_START_SELF_ATTENTION);
  EXPECT_EQ(Train()->spec.train().block_start(), v1::BLOCK_START_SELF_ATTENTION);
  train_.set_block_start(static_cast<v1::BlockStart>(4));
  EXPECT_THAT(Train(), NamesField("train.block_start"));
}

TEST_F(RequestTest, RateSchedulesAreTheRequestedOrTheBaseModels) {
  base_.mutable_training_defaults()->set_learning_rate_schedule(v1::LEARNING_RATE_SCHEDULE_COSINE);
  EXPECT_EQ(Train()->spec.train().learning_rate_schedule(), v1::LEARNING_RATE_SCHEDULE_COSINE);
  train_.set_learning_rate_schedule(v1::LEARNING_RATE_SCHEDULE_CONSTANT);
  EXPECT_EQ(Train()->spec.train().learning_rate_schedule(), v1::LEARNING_RATE_SCHEDULE_CONSTANT);
  train_.set_learning_rate_schedule(static_cast<v1::LearningRateSchedule>(3));
  EXPECT_THAT(Train(), NamesField("train.learning_rate_schedule"));
}

TEST_F(RequestTest, ASamplePromptWithoutThePlaceholderGivesAWarning) {
  train_.set_sample_prompt("a photo of a dog");
  EXPECT_THAT(Reasons(Train()), ElementsAre("PROMPT_WITHOUT_PLACEHOLDER"));
}

TEST_F(RequestTest, WarningsOfTheConceptBecomeWarningsOfTheJob) {
  concept_.add_warnings()->set_reason("DUPLICATE_PICTURES");
  EXPECT_THAT(Reasons(Train()), ElementsAre("DUPLICATE_PICTURES"));
}

}  // namespace
}  // namespace vico::server
