#include "client/arguments/arguments.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vico::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kDrawn = 12'345;

ParsedArguments Parse(const std::vector<std::string>& words) {
  return ParseArguments(words, [] { return kDrawn; });
}

template <typename Options>
Options Read(const std::vector<std::string>& words) {
  const ParsedArguments parsed = Parse(words);
  EXPECT_TRUE(parsed.arguments) << parsed.err;
  if (!parsed.arguments || !std::holds_alternative<Options>(parsed.arguments->command)) {
    ADD_FAILURE() << "another command was read";
    return {};
  }
  return std::get<Options>(parsed.arguments->command);
}

TEST(ArgumentsTest, UploadTakesFilesAndAName) {
  const auto upload =
      Read<ConceptsUpload>({"concepts", "upload", "a.jpg", "b.png", "--name", "my robot"});
  EXPECT_THAT(upload.files, ElementsAre("a.jpg", "b.png"));
  EXPECT_EQ(upload.display_name, "my robot");
}

TEST(ArgumentsTest, TrainSetsOnlyTheFieldsThatAreGiven) {
  const auto train = Read<Train>({"train", "concepts/7f3a", "--init-word", "dog"});
  EXPECT_EQ(train.spec.concept_name(), "concepts/7f3a");
  EXPECT_EQ(train.spec.init_word(), "dog");
  EXPECT_FALSE(train.spec.has_steps());
  EXPECT_FALSE(train.spec.has_seed());
  EXPECT_FALSE(train.watch);
}

TEST(ArgumentsTest, TrainTakesEveryOption) {
  const auto train =
      Read<Train>({"train",           "7f3a",
                   "--init-word",     "dog",
                   "--steps",         "40",
                   "--batch-size",    "2",
                   "--devices",       "2",
                   "--base-model",    "toy",
                   "--placeholder",   "V*",
                   "--seed",          "18446744073709551615",
                   "--dialect",       "mmagic",
                   "--sites",         "up_blocks.1.attentions.1,mid_block.attentions.0",
                   "--embedding-lr",  "0.005",
                   "--attention-lr",  "1e-5",
                   "--lr-schedule",   "cosine",
                   "--min-snr-gamma", "0.5",
                   "--block-start",   "self-attention",
                   "--sample-every",  "0",
                   "--sample-prompt", "a V* here",
                   "--watch",         "--cancel-on-interrupt"});
  EXPECT_EQ(train.spec.concept_name(), "concepts/7f3a");
  EXPECT_EQ(train.spec.steps(), 40);
  EXPECT_EQ(train.spec.batch_size(), 2);
  EXPECT_EQ(train.spec.devices(), 2);
  EXPECT_EQ(train.spec.base_model(), "baseModels/toy");
  EXPECT_EQ(train.spec.placeholder(), "V*");
  EXPECT_EQ(train.spec.seed(), 18446744073709551615ULL);
  EXPECT_EQ(train.spec.dialect(), v1::DIALECT_MMAGIC);
  EXPECT_THAT(train.spec.sites(),
              testing::ElementsAre("up_blocks.1.attentions.1", "mid_block.attentions.0"));
  EXPECT_DOUBLE_EQ(train.spec.embedding_learning_rate(), 0.005);
  EXPECT_DOUBLE_EQ(train.spec.attention_learning_rate(), 1e-5);
  EXPECT_EQ(train.spec.learning_rate_schedule(), v1::LEARNING_RATE_SCHEDULE_COSINE);
  EXPECT_DOUBLE_EQ(train.spec.min_snr_gamma(), 0.5);
  EXPECT_EQ(train.spec.block_start(), v1::BLOCK_START_SELF_ATTENTION);
  EXPECT_TRUE(train.spec.has_sample_every_steps());
  EXPECT_EQ(train.spec.sample_every_steps(), 0);
  EXPECT_EQ(train.spec.sample_prompt(), "a V* here");
  EXPECT_TRUE(train.watch);
  EXPECT_TRUE(train.cancel_on_interrupt);
}

TEST(ArgumentsTest, AFolderForSamplesImpliesWatch) {
  EXPECT_TRUE(Read<Train>({"train", "x", "--init-word", "dog", "--out", "samples"}).watch);
}

TEST(ArgumentsTest, ANegativeNumberIsPassedToTheServer) {
  EXPECT_EQ(Read<Train>({"train", "x", "--init-word", "dog", "--steps", "-1"}).spec.steps(), -1);
}

TEST(ArgumentsTest, GenerateTakesAnAdapterAndAPrompt) {
  const auto generate = Read<Generate>({"generate", "1c9e", "a photo of S*", "-n", "4", "--seed",
                                        "7", "--guidance", "7.5", "--preview", "5"});
  EXPECT_EQ(generate.spec.adapter(), "adapters/1c9e");
  EXPECT_EQ(generate.spec.prompt(), "a photo of S*");
  EXPECT_EQ(generate.spec.picture_count(), 4);
  EXPECT_THAT(generate.spec.seeds(), ElementsAre(7));
  EXPECT_DOUBLE_EQ(generate.spec.guidance_scale(), 7.5);
  EXPECT_EQ(generate.spec.preview_every_steps(), 5);
  EXPECT_EQ(generate.out, ".");
}

TEST(ArgumentsTest, ADashOrBareMeansNoAdapter) {
  for (const auto& words : {std::vector<std::string>{"generate", "-", "a robot"},
                            std::vector<std::string>{"generate", "--bare", "a robot"},
                            std::vector<std::string>{"generate", "a robot", "--bare"}}) {
    const auto generate = Read<Generate>(words);
    EXPECT_EQ(generate.spec.adapter(), "");
    EXPECT_EQ(generate.spec.prompt(), "a robot");
  }
}

TEST(ArgumentsTest, AnEmptyPromptIsPassedToTheServer) {
  EXPECT_EQ(Read<Generate>({"generate", "x", ""}).spec.prompt(), "");
}

TEST(ArgumentsTest, GenerateNeedsAPrompt) {
  const ParsedArguments parsed = Parse({"generate", "adapters/x"});
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.err, HasSubstr("PROMPT"));
}

TEST(ArgumentsTest, BareWithAnAdapterIsRefused) {
  EXPECT_EQ(Parse({"generate", "--bare", "adapters/x", "a robot"}).exit_code, 2);
}

TEST(ArgumentsTest, SeedsMayBeListedOrRepeated) {
  EXPECT_THAT(Read<Generate>({"generate", "--seed", "1,2", "x", "p"}).spec.seeds(),
              ElementsAre(1, 2));
  EXPECT_THAT(Read<Generate>({"generate", "--seed", "1", "--seed", "2", "x", "p"}).spec.seeds(),
              ElementsAre(1, 2));
}

TEST(ArgumentsTest, ARandomSeedIsDrawnAndKept) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--seed", "random"}, {"--seed", "-1"}, {"--seed=-1"}, {"--seed=random"}}) {
    std::vector<std::string> generate = {"generate", "x", "p"};
    std::vector<std::string> train = {"train", "x", "--init-word", "dog"};
    generate.insert(generate.end(), words.begin(), words.end());
    train.insert(train.end(), words.begin(), words.end());
    EXPECT_THAT(Read<Generate>(generate).spec.seeds(), ElementsAre(kDrawn));
    EXPECT_THAT(Read<Generate>(generate).drawn_seeds, ElementsAre(kDrawn));
    EXPECT_EQ(Read<Train>(train).spec.seed(), kDrawn);
    EXPECT_THAT(Read<Train>(train).drawn_seeds, ElementsAre(kDrawn));
  }
}

TEST(ArgumentsTest, OnlyDrawnSeedsAreShown) {
  const auto generate = Read<Generate>({"generate", "x", "p", "--seed", "7,random,9"});
  EXPECT_THAT(generate.spec.seeds(), ElementsAre(7, kDrawn, 9));
  EXPECT_THAT(generate.drawn_seeds, ElementsAre(kDrawn));
}

class WrongNumber : public testing::TestWithParam<std::vector<std::string>> {};
TEST_P(WrongNumber, IsRefusedByTheOption) {
  const ParsedArguments parsed = Parse(GetParam());
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.err, HasSubstr("error: " + GetParam()[3] + ": must be a"));
}
std::vector<std::vector<std::string>> WrongNumbers() {
  std::vector<std::vector<std::string>> all;
  const auto add = [&](const std::vector<std::string>& command, const std::string& option,
                       const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      all.push_back(command);
      all.back().insert(all.back().end(), {option, value});
    }
  };
  const std::vector<std::string> wrong = {
      "", "0x10", "+1", " 1", "1e2", "1.5", "99999999999999999999"};
  const std::vector<std::string> wrong_reals = {"", "nan", "inf", "0x1p1", "1,5", "1e999", " 1"};
  for (const char* option : {"--count", "--steps", "--width", "--height", "--preview"}) {
    add({"generate", "x", "p"}, option, wrong);
  }
  add({"generate", "x", "p"}, "--seed", wrong);
  add({"generate", "x", "p"}, "--seed", {"-2", "1,,2", "1,", ",", "1,x"});
  for (const char* option : {"--guidance", "--eta"}) {
    add({"generate", "x", "p"}, option, wrong_reals);
  }
  const std::vector<std::string> train = {"train", "x", "--init-word=dog"};
  for (const char* option : {"--steps", "--batch-size", "--sample-every", "--seed"}) {
    add(train, option, wrong);
  }
  for (const char* option : {"--embedding-lr", "--attention-lr", "--min-snr-gamma"}) {
    add(train, option, wrong_reals);
  }
  add({"jobs", "list", "--json"}, "--limit", {"0", "-1", "100001", ""});
  add({"jobs", "watch", "x"}, "--after", {"-1", "", "18446744073709551616"});
  return all;
}
INSTANTIATE_TEST_SUITE_P(Options, WrongNumber, testing::ValuesIn(WrongNumbers()));

TEST(ArgumentsTest, NumbersAreDecimal) {
  EXPECT_EQ(Read<Generate>({"generate", "x", "p", "--steps", "012"}).spec.steps(), 12);
  EXPECT_EQ(Read<Generate>({"generate", "x", "p", "--seed", "007"}).spec.seeds(0), 7U);
}

class NotUtf8 : public testing::TestWithParam<std::vector<std::string>> {};
TEST_P(NotUtf8, TextIsRefusedByTheOption) {
  const ParsedArguments parsed = Parse(GetParam());
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.err, HasSubstr("holds bytes that are not UTF-8"));
}
INSTANTIATE_TEST_SUITE_P(
    Options, NotUtf8,
    testing::Values(
        std::vector<std::string>{"generate", "x", "caf\xe9"},
        std::vector<std::string>{"generate", "caf\xe9", "p"},
        std::vector<std::string>{"generate", "x", "p", "--negative-prompt", "\xff"},
        std::vector<std::string>{"train", "x", "--init-word", "\xe9"},
        std::vector<std::string>{"train", "x", "--init-word", "dog", "--placeholder=\xe9"},
        std::vector<std::string>{"train", "x", "--init-word", "dog", "--sites", "a,\xe9"},
        std::vector<std::string>{"concepts", "upload", "a.png", "--name", "\xe9"},
        std::vector<std::string>{"jobs", "show", "\xe9"},
        std::vector<std::string>{"admin", "drain", "\xe9"},
        std::vector<std::string>{"models", "--server", "\xe9"}));

TEST(ArgumentsTest, PathsMayHaveAnyBytes) {
  EXPECT_THAT(Read<ConceptsUpload>({"concepts", "upload", "caf\xe9.png"}).files,
              ElementsAre("caf\xe9.png"));
  EXPECT_EQ(Read<Generate>({"generate", "x", "p", "--out", "caf\xe9"}).out, "caf\xe9");
  EXPECT_EQ(Read<AdaptersDownload>({"adapters", "download", "x", "--out", "\xe9"}).out, "\xe9");
}

TEST(ArgumentsTest, SimilarWordsAreSuggested) {
  EXPECT_THAT(Parse({"trian", "x"}).err, HasSubstr("error: there is no command trian; did you mean "
                                                   "train?"));
  EXPECT_THAT(Parse({"jobs", "wach", "x"}).err, HasSubstr("did you mean watch?"));
  EXPECT_THAT(Parse({"generate", "x", "p", "--sed", "3"}).err, HasSubstr("did you mean --seed?"));
  EXPECT_THAT(Parse({"dance"}).err, HasSubstr("the commands are concepts, train"));
}

TEST(ArgumentsTest, ResizeHasThreeChoices) {
  const std::vector<std::string> words = {"train", "x", "--init-word", "dog", "--resize"};
  const auto with = [&](const std::string& choice) {
    std::vector<std::string> all = words;
    all.push_back(choice);
    return all;
  };
  EXPECT_EQ(Read<Train>(with("squeeze")).spec.resize(), v1::RESIZE_SQUEEZE);
  EXPECT_EQ(Read<Train>(with("crop")).spec.resize(), v1::RESIZE_CROP);
  EXPECT_EQ(Read<Train>(with("pad")).spec.resize(), v1::RESIZE_PAD);
  EXPECT_EQ(Parse(with("stretch")).exit_code, 2);
}

TEST(ArgumentsTest, FilesAreReplacedOnlyWithForce) {
  EXPECT_FALSE(Read<Generate>({"generate", "x", "p"}).force);
  EXPECT_TRUE(Read<Generate>({"generate", "x", "p", "--force"}).force);
  EXPECT_TRUE(Read<Train>({"train", "x", "--init-word", "dog", "--force"}).force);
  EXPECT_TRUE(Read<JobsWatch>({"jobs", "watch", "x", "--force"}).force);
  EXPECT_TRUE(Read<AdaptersDownload>({"adapters", "download", "x", "--force"}).force);
}

TEST(ArgumentsTest, StatesAndKindsHaveNames) {
  const auto list = Read<JobsList>(
      {"jobs", "list", "--state", "running", "--state", "queued", "--kind", "training"});
  EXPECT_THAT(list.states, ElementsAre(v1::JOB_STATE_RUNNING, v1::JOB_STATE_QUEUED));
  EXPECT_EQ(list.kind, v1::JOB_KIND_TRAINING);
  EXPECT_EQ(Parse({"jobs", "list", "--state", "sleeping"}).exit_code, 2);
}

TEST(ArgumentsTest, GlobalOptionsMayComeLast) {
  const ParsedArguments parsed = Parse({"jobs", "list", "--json", "--server", "localhost:1"});
  ASSERT_TRUE(parsed.arguments) << parsed.err;
  EXPECT_TRUE(parsed.arguments->json);
  EXPECT_EQ(parsed.arguments->connection.server, "localhost:1");
}

TEST(ArgumentsTest, OptionsThatAreNotGivenStayEmpty) {
  const ParsedArguments parsed = Parse({"models"});
  ASSERT_TRUE(parsed.arguments);
  EXPECT_EQ(parsed.arguments->connection.server, "");
  EXPECT_EQ(parsed.arguments->connection.key_file, "");
  EXPECT_FALSE(parsed.arguments->json);
}

TEST(ArgumentsTest, HelpSucceedsAndListsTheExitCodes) {
  const ParsedArguments parsed = Parse({"--help"});
  EXPECT_FALSE(parsed.arguments);
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_THAT(parsed.out, HasSubstr("130"));
  EXPECT_EQ(parsed.err, "");
}

TEST(ArgumentsTest, ErrorsHaveExitCodeTwoAndNameTheOption) {
  EXPECT_EQ(Parse({}).exit_code, 2);
  EXPECT_EQ(Parse({"dance"}).exit_code, 2);
  EXPECT_EQ(Parse({"concepts"}).exit_code, 2);
  EXPECT_EQ(Parse({"train", "x"}).exit_code, 2);
  const ParsedArguments parsed = Parse({"train", "x", "--init-word", "dog", "--steps", "many"});
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.err, HasSubstr("--steps"));
}

TEST(ArgumentsTest, LabelsAreCheckedBeforeAnyCall) {
  const std::vector<std::vector<std::string>> commands = {
      {"train", "x", "--init-word", "dog"},
      {"generate", "x", "p"},
      {"concepts", "upload", "a", "b"},
      {"adapters", "import", "f", "--reference", "r"},
      {"jobs", "update", "1"},
      {"concepts", "update", "1"}};
  for (std::vector<std::string> words : commands) {
    words.insert(words.end(), {"--label", "owner=ana", "--label", "b="});
    EXPECT_TRUE(Parse(words).arguments) << Parse(words).err;
    words.emplace_back("--label");
    words.emplace_back("no key=1");
    EXPECT_EQ(Parse(words).exit_code, 2);
    EXPECT_THAT(Parse(words).err, HasSubstr("--label: a key must be"));
  }
  const auto train =
      Read<Train>({"train", "x", "--init-word", "dog", "--label", "a=1", "--label", "a=2"});
  EXPECT_EQ(train.display.labels, (Labels{{"a", "2"}}));
}

TEST(ArgumentsTest, AnUpdateChangesSomething) {
  EXPECT_EQ(Parse({"adapters", "update", "1"}).exit_code, 2);
  EXPECT_EQ(Parse({"adapters", "update", "1", "--remove-label", "a b"}).exit_code, 2);
  const auto update = Read<AdaptersUpdate>({"adapters", "update", "1", "--name", ""});
  EXPECT_EQ(update.name, "adapters/1");
  EXPECT_EQ(update.changes.display_name, "");
}

TEST(ArgumentsTest, ShowImpliesWatch) {
  EXPECT_TRUE(Read<Train>({"train", "x", "--init-word", "dog", "--show"}).watch);
}

TEST(ArgumentsTest, SheetTakesPromptsAndSeeds) {
  const auto sheet = Read<ContactSheet>(
      {"sheet", "--prompt", "one", "1c9e", "--prompt", "two", "--seeds", "7,random"});
  EXPECT_EQ(sheet.name, "adapters/1c9e");
  EXPECT_THAT(sheet.prompts, ElementsAre("one", "two"));
  EXPECT_THAT(sheet.spec.seeds(), ElementsAre(7, kDrawn));
  EXPECT_THAT(sheet.drawn_seeds, ElementsAre(kDrawn));
  EXPECT_EQ(Parse({"sheet"}).exit_code, 2);
  EXPECT_EQ(Parse({"sheet", "1", "--tile", "8"}).exit_code, 2);
}

TEST(ArgumentsTest, EverySubcommandIsParsed) {
  Read<ConceptsList>({"concepts", "list"});
  EXPECT_EQ(Read<ConceptsShow>({"concepts", "show", "1"}).name, "concepts/1");
  EXPECT_EQ(Read<ConceptsDelete>({"concepts", "delete", "1"}).name, "concepts/1");
  EXPECT_EQ(Read<JobsShow>({"jobs", "show", "jobs/1"}).name, "jobs/1");
  EXPECT_EQ(Read<JobsWatch>({"jobs", "watch", "1", "--after", "5"}).after_sequence, 5U);
  EXPECT_EQ(Read<JobsCancel>({"jobs", "cancel", "1"}).name, "jobs/1");
  EXPECT_EQ(Read<JobsRetry>({"jobs", "retry", "1"}).name, "jobs/1");
  EXPECT_EQ(Read<JobsDelete>({"jobs", "delete", "1"}).name, "jobs/1");
  Read<AdaptersList>({"adapters", "list"});
  EXPECT_EQ(Read<AdaptersShow>({"adapters", "show", "1"}).name, "adapters/1");
  EXPECT_EQ(Read<AdaptersDownload>({"adapters", "download", "1", "--out", "f"}).out, "f");
  const auto downloaded =
      Read<AdaptersDownload>({"adapters", "download", "1", "--format", "mmagic"});
  EXPECT_EQ(downloaded.format, AdapterFormat::kMmagic);
  const auto imported =
      Read<AdaptersImport>({"adapters", "import", "f", "g", "--reference", "r.png", "--base-model",
                            "b", "--placeholder", "X*", "--init-word", "dog"});
  EXPECT_EQ(imported.files, (std::vector<std::string>{"f", "g"}));
  EXPECT_EQ(imported.reference, "r.png");
  EXPECT_EQ(imported.placeholder, "X*");
  EXPECT_EQ(imported.init_word, "dog");
  EXPECT_EQ(Read<AdaptersDelete>({"adapters", "delete", "1"}).name, "adapters/1");
  Read<Models>({"models"});
  Read<ShowCapabilities>({"capabilities"});
  Read<Version>({"version"});
}

}  // namespace
}  // namespace vico::client
