#include "client/cli/arguments.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vico::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ParsedArguments Parse(const std::vector<std::string>& words) { return ParseArguments(words); }

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

TEST(ArgumentsTest, EverySubcommandIsParsed) {
  Read<ConceptsList>({"concepts", "list"});
  EXPECT_EQ(Read<ConceptsShow>({"concepts", "show", "1"}).name, "concepts/1");
  EXPECT_EQ(Read<ConceptsDelete>({"concepts", "delete", "1"}).name, "concepts/1");
  EXPECT_EQ(Read<JobsShow>({"jobs", "show", "jobs/1"}).name, "jobs/1");
  EXPECT_EQ(Read<JobsWatch>({"jobs", "watch", "1", "--after", "5"}).after_sequence, 5U);
  EXPECT_EQ(Read<JobsCancel>({"jobs", "cancel", "1"}).name, "jobs/1");
  EXPECT_EQ(Read<JobsRetry>({"jobs", "retry", "1"}).name, "jobs/1");
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
