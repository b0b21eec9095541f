#include "worker/job/picture_metadata.h"

#include <map>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/formats/png_text.h"
#include "common/schedulers.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tiny_png.h"

namespace vico::worker {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr uint64_t kLargeSeed = 18446744073709551615ULL;

std::map<std::string, std::string> TextsOf(const absl::StatusOr<std::string>& png) {
  std::map<std::string, std::string> texts;
  const auto read = png.ok() ? ReadPngText(*png) : png.status();
  EXPECT_THAT(read, IsOk());
  if (!read.ok()) return texts;
  for (const PngText& text : *read) texts[text.keyword] = text.text;
  texts.erase("note");
  return texts;
}

v1::LeasedJob Job() {
  v1::LeasedJob job;
  job.set_job("jobs/1");
  job.set_lease_id("lease");
  job.set_attempt(1);
  auto& base_model = *job.mutable_base_model();
  base_model.set_name("baseModels/toyworld");
  base_model.set_digest("0123456789abcdef");
  return job;
}

v1::LeasedJob Generation() {
  v1::LeasedJob job = Job();
  auto& spec = *job.mutable_spec()->mutable_generate();
  spec.set_base_model("baseModels/toyworld");
  spec.set_prompt("a photo of a S* on the beach");
  spec.set_picture_count(2);
  spec.set_guidance_scale(7.5);
  spec.set_scheduler("ddim");
  spec.set_steps(25);
  spec.set_width(64);
  spec.set_height(96);
  spec.set_eta(0);
  spec.add_seeds(5);
  spec.add_seeds(kLargeSeed);
  return job;
}

v1::LeasedJob GenerationWithAdapter() {
  v1::LeasedJob job = Generation();
  job.mutable_spec()->mutable_generate()->set_adapter("adapters/7");
  job.mutable_adapter()->set_name("adapters/7");
  job.mutable_adapter()->set_placeholder("S*");
  job.mutable_adapter()->mutable_blob()->set_sha256("fedcba9876543210");
  return job;
}

std::string ParametersOf(const v1::LeasedJob& job) {
  return TextsOf(WithGenerationMetadata(TinyPng(""), job, 0, "1.2"))["parameters"];
}

struct Infotext {
  std::string prompt, negative_prompt;
  std::map<std::string, std::string> values;
};

/// Reads the text as the web UI does: the last line has the values, and a value with a comma, a
/// colon or a line end is a JSON string.
Infotext Parse(const std::string& text) {
  static const std::regex kValue(R"re(\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$))re");
  Infotext parsed;
  const size_t last = text.rfind('\n');
  const std::string line = text.substr(last + 1);
  for (std::sregex_iterator at(line.begin(), line.end(), kValue), end; at != end; ++at) {
    const std::string value = (*at)[2];
    parsed.values[(*at)[1]] =
        value.starts_with('"') ? json::parse(value).get<std::string>() : value;
  }
  const std::string_view kNegative = "\nNegative prompt: ";
  const std::string prompts = text.substr(0, last);
  const size_t negative = prompts.find(kNegative);
  parsed.prompt = prompts.substr(0, negative);
  if (negative != std::string::npos) {
    parsed.negative_prompt = prompts.substr(negative + kNegative.size());
  }
  return parsed;
}

TEST(PictureMetadataTest, ParametersAreTheLineOfTheWebUi) {
  EXPECT_EQ(
      ParametersOf(GenerationWithAdapter()),
      "a photo of a S* on the beach\n"
      "Steps: 25, Sampler: DDIM, CFG scale: 7.5, Seed: 5, Size: 64x96, Model hash: 0123456789, "
      "Model: toyworld, ViCo adapter: 7, ViCo adapter hash: fedcba9876, ViCo word: S*, "
      "Version: Vico 1.2");
}

TEST(PictureMetadataTest, TheBareBaseModelHasNoAdapterInItsParameters) {
  v1::LeasedJob job = Generation();
  job.mutable_spec()->mutable_generate()->set_negative_prompt("blurry");
  job.mutable_spec()->mutable_generate()->set_eta(0.25);
  EXPECT_EQ(
      ParametersOf(job),
      "a photo of a S* on the beach\n"
      "Negative prompt: blurry\n"
      "Steps: 25, Sampler: DDIM, CFG scale: 7.5, Seed: 5, Size: 64x96, Model hash: 0123456789, "
      "Model: toyworld, Eta DDIM: 0.25, Version: Vico 1.2");
}

TEST(PictureMetadataTest, AStartFromAPictureAndAStrengthAreInTheParameters) {
  v1::LeasedJob job = GenerationWithAdapter();
  auto& spec = *job.mutable_spec()->mutable_generate();
  spec.set_denoise(0.8);
  spec.set_strength(1);
  auto values = Parse(ParametersOf(job)).values;
  EXPECT_EQ(values["Denoising strength"], "0.8");
  EXPECT_FALSE(values.contains("ViCo strength"));
  spec.set_strength(0.5);
  EXPECT_EQ(Parse(ParametersOf(job)).values["ViCo strength"], "0.5");
}

TEST(PictureMetadataTest, ThePromptIsThePicturesOwn) {
  v1::LeasedJob job = Generation();
  auto& spec = *job.mutable_spec()->mutable_generate();
  spec.clear_prompt();
  for (const char* prompt : {"first", "second"}) spec.add_prompts(prompt);
  const auto texts = TextsOf(WithGenerationMetadata(TinyPng(""), job, 2, "1.2"));
  EXPECT_EQ(Parse(texts.at("parameters")).prompt, "second");
  EXPECT_EQ(Parse(texts.at("parameters")).values["Seed"], "5");
  const json vico = json::parse(texts.at("vico"));
  EXPECT_EQ(vico["seed"], "5");
  EXPECT_EQ(vico["spec"]["generate"]["prompts"], json::parse(R"(["first", "second"])"));
}

TEST(PictureMetadataTest, ThePicturesThatAGenerationStartsFromHaveDigests) {
  v1::LeasedJob job = Generation();
  job.mutable_init_picture()->set_sha256("aa");
  job.mutable_mask_picture()->set_sha256("bb");
  const json vico =
      json::parse(TextsOf(WithGenerationMetadata(TinyPng(""), job, 0, "1.2")).at("vico"));
  EXPECT_EQ(vico["init_picture"]["digest"], "aa");
  EXPECT_EQ(vico["mask_picture"]["digest"], "bb");
}

TEST(PictureMetadataTest, TheGrammarOfTheWebUiFindsEveryValue) {
  v1::LeasedJob job = GenerationWithAdapter();
  auto& spec = *job.mutable_spec()->mutable_generate();
  spec.set_prompt("猫, sitting: \"here\"");
  spec.set_negative_prompt("ugly, Steps: 3");
  job.mutable_base_model()->set_name("baseModels/a,b: \"c\\");
  job.mutable_adapter()->set_placeholder("<a,b>");
  const Infotext parsed = Parse(ParametersOf(job));
  EXPECT_EQ(parsed.prompt, spec.prompt());
  EXPECT_EQ(parsed.negative_prompt, spec.negative_prompt());
  EXPECT_THAT(parsed.values,
              ElementsAre(Pair("CFG scale", "7.5"), Pair("Model", "a,b: \"c\\"),
                          Pair("Model hash", "0123456789"), Pair("Sampler", "DDIM"),
                          Pair("Seed", "5"), Pair("Size", "64x96"), Pair("Steps", "25"),
                          Pair("Version", "Vico 1.2"), Pair("ViCo adapter", "7"),
                          Pair("ViCo adapter hash", "fedcba9876"), Pair("ViCo word", "<a,b>")));
}

TEST(PictureMetadataTest, EverySchedulerHasTheNameOfTheWebUi) {
  for (const SchedulerInfo& scheduler : kSchedulers) {
    v1::LeasedJob job = Generation();
    job.mutable_spec()->mutable_generate()->set_scheduler(std::string(scheduler.name));
    EXPECT_NE(Parse(ParametersOf(job)).values["Sampler"], scheduler.name);
  }
}

TEST(PictureMetadataTest, VicoHoldsTheSpecAndWhatItRefersTo) {
  const v1::LeasedJob job = GenerationWithAdapter();
  const json vico =
      json::parse(TextsOf(WithGenerationMetadata(TinyPng(""), job, 1, "1.2"))["vico"]);
  EXPECT_EQ(vico, json::parse(R"({
    "version": "1.2",
    "spec": {"generate": {
      "adapter": "adapters/7", "base_model": "baseModels/toyworld",
      "prompt": "a photo of a S* on the beach", "picture_count": 2, "guidance_scale": 7.5,
      "scheduler": "ddim", "steps": 25, "width": 64, "height": 96, "eta": 0,
      "seeds": ["5", "18446744073709551615"]}},
    "index": 1,
    "seed": "18446744073709551615",
    "base_model": {"name": "baseModels/toyworld", "digest": "0123456789abcdef"},
    "adapter": {"name": "adapters/7", "digest": "fedcba9876543210"}})"));
}

TEST(PictureMetadataTest, ASampleHoldsTheSpecOfItsTraining) {
  v1::LeasedJob job = Job();
  job.mutable_spec()->mutable_train()->set_init_word("robot");
  job.mutable_spec()->mutable_train()->add_sample_prompts("a S*");
  const TrainingSample sample{
      .step = 20, .prompt_index = 3, .seed = 9, .picture = {.bytes = TinyPng("")}};
  const auto texts = TextsOf(WithSampleMetadata(sample, job, "1.2"));
  EXPECT_THAT(texts, ElementsAre(Pair("vico", testing::_)));
  EXPECT_EQ(json::parse(texts.at("vico")), json::parse(R"({
    "version": "1.2",
    "spec": {"train": {"init_word": "robot", "sample_prompts": ["a S*"]}},
    "step": 20,
    "index": 3,
    "seed": "9",
    "base_model": {"name": "baseModels/toyworld", "digest": "0123456789abcdef"}})"));
}

TEST(PictureMetadataTest, AnotherAttemptOfAnotherJobMakesTheSameBytes) {
  const v1::LeasedJob job = GenerationWithAdapter();
  v1::LeasedJob again = job;
  again.set_job("jobs/2");
  again.set_lease_id("other");
  again.set_attempt(3);
  again.mutable_adapter()->set_display_name("renamed");
  EXPECT_EQ(*WithGenerationMetadata(TinyPng(""), job, 0, "1.2"),
            *WithGenerationMetadata(TinyPng(""), again, 0, "1.2"));
}

TEST(PictureMetadataTest, WhatIsNoPngIsAnInternalError) {
  const auto damaged = WithGenerationMetadata("no PNG", Generation(), 0, "1.2");
  EXPECT_THAT(damaged, HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(damaged, HasMessage(HasSubstr("signature")));
}

}  // namespace
}  // namespace vico::worker
