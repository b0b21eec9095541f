#include "worker/towers/tower_config.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace vico::worker {
namespace {

using ::testing::HasSubstr;

constexpr auto kClip = PictureProcessor::kClip;
constexpr auto kVit = PictureProcessor::kVit;

template <class Parse>
void ExpectRefused(const Parse& parse, const std::string& json, const std::string& message) {
  const auto config = parse(json);
  EXPECT_THAT(config, HasCode(absl::StatusCode::kInvalidArgument)) << json;
  EXPECT_THAT(config, HasMessage(HasSubstr(message))) << json;
}

const auto kParseClip = [](const std::string& json) { return ParseClipConfig(json, "c.json"); };
const auto kParseDino = [](const std::string& json) { return ParseDinoConfig(json, "d.json"); };
const auto kParsePicture = [](const std::string& json) {
  return ParsePictureConfig(json, "p.json", kClip);
};

TEST(ClipConfigTest, AbsentValuesHaveTransformersDefaults) {
  const auto config = kParseClip(R"({"text_config": {}, "vision_config": {"patch_size": 14}})");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->text.hidden_size, 512);
  EXPECT_EQ(config->text.intermediate_size, 2048);
  EXPECT_EQ(config->text.num_attention_heads, 8);
  EXPECT_EQ(config->text.vocab_size, 49408);
  EXPECT_EQ(config->eos_token_id, 49407);
  EXPECT_EQ(config->vision.hidden_size, 768);
  EXPECT_EQ(config->vision.patch_size, 14);
  EXPECT_TRUE(config->vision.quick_gelu);
  EXPECT_EQ(config->projection_dim, 512);
}

TEST(ClipConfigTest, TheSectionsOfOldFilesReplaceTheOthers) {
  const auto config = kParseClip(
      R"({"projection_dim": 768, "text_config": {"eos_token_id": 2, "hidden_size": 64},
          "text_config_dict": {"hidden_size": 768, "num_attention_heads": 12},
          "vision_config": {"hidden_size": 96}, "vision_config_dict": {"hidden_size": 1024,
          "num_attention_heads": 16}})");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->text.hidden_size, 768);
  EXPECT_EQ(config->eos_token_id, 49407);
  EXPECT_EQ(config->vision.hidden_size, 1024);
  EXPECT_EQ(config->projection_dim, 768);
}

TEST(ClipConfigTest, ErrorsNameSectionAndKey) {
  const std::string vision = R"("vision_config": {}})";
  ExpectRefused(kParseClip, "[]", "c.json: is not a JSON object");
  ExpectRefused(kParseClip, R"({"model_type": "siglip"})", R"(c.json: model_type: must be "clip")");
  ExpectRefused(kParseClip, R"({"text_config": {}})", "c.json: vision_config: is required");
  ExpectRefused(kParseClip, R"({"text_config": 3, )" + vision,
                "c.json: text_config: is not a JSON object");
  ExpectRefused(kParseClip, R"({"text_config": {"hidden_act": "relu"}, )" + vision,
                "c.json: text_config: hidden_act: must be one of quick_gelu, gelu");
  ExpectRefused(kParseClip, R"({"text_config": {"hidden_size": 10}, )" + vision,
                "c.json: text_config: num_attention_heads: must divide hidden_size (10)");
  ExpectRefused(kParseClip, R"({"text_config": {}, "vision_config": {"num_channels": 1}})",
                "c.json: vision_config: num_channels: must be 3");
  ExpectRefused(kParseClip, R"({"text_config": {}, "vision_config": {"patch_size": 300}})",
                "c.json: vision_config: patch_size: must be at most image_size (224)");
}

TEST(DinoConfigTest, AbsentValuesHaveTransformersDefaults) {
  const auto config = kParseDino(R"({"hidden_size": 384, "num_attention_heads": 6})");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->hidden_size, 384);
  EXPECT_EQ(config->patch_size, 16);
  EXPECT_EQ(config->layer_norm_eps, 1e-12);
  EXPECT_FALSE(config->quick_gelu);
  EXPECT_TRUE(config->qkv_bias);
}

TEST(DinoConfigTest, AnotherModelIsRefused) {
  ExpectRefused(kParseDino, R"({"model_type": "dinov2"})", R"(d.json: model_type: must be "vit")");
}

TEST(PictureConfigTest, OneNumberIsTheShorterSideOfClipAndBothSidesOfVit) {
  const std::string json = R"({"size": 40, "crop_size": 32})";
  const auto clip = ParsePictureConfig(json, "p.json", kClip);
  ASSERT_THAT(clip, IsOk());
  EXPECT_EQ(clip->shortest_edge, 40);
  EXPECT_EQ(clip->result_width(), 32);
  EXPECT_EQ(clip->filter, PictureConfig::Filter::kBicubic);
  const auto vit = ParsePictureConfig(json, "p.json", kVit);
  ASSERT_THAT(vit, IsOk());
  EXPECT_EQ(vit->shortest_edge, 0);
  EXPECT_EQ(vit->width, 40);
  EXPECT_EQ(vit->result_height(), 40);
  EXPECT_EQ(vit->filter, PictureConfig::Filter::kBilinear);
  EXPECT_EQ(vit->mean, (std::vector{0.5, 0.5, 0.5}));
}

TEST(PictureConfigTest, TheTypeInTheFileDecides) {
  for (const char* key : {"image_processor_type", "feature_extractor_type"}) {
    const auto config = kParsePicture(R"({"size": 40, ")" + std::string(key) + R"(": "ViTX"})");
    ASSERT_THAT(config, IsOk());
    EXPECT_EQ(config->width, 40);
    ExpectRefused(kParsePicture, R"({")" + std::string(key) + R"(": "BitImageProcessor"})",
                  std::string("p.json: ") + key + ": must begin with CLIP or ViT");
  }
}

TEST(PictureConfigTest, SizesMayBeObjects) {
  const auto edge =
      kParsePicture(R"({"size": {"shortest_edge": 9}, "crop_size": {"height": 8, "width": 7}})");
  ASSERT_THAT(edge, IsOk());
  EXPECT_EQ(edge->shortest_edge, 9);
  EXPECT_EQ(edge->result_width(), 7);
  EXPECT_EQ(edge->result_height(), 8);
  const auto both =
      kParsePicture(R"({"size": {"height": 4, "width": 6}, "do_center_crop": false})");
  ASSERT_THAT(both, IsOk());
  EXPECT_EQ(both->result_width(), 6);
  EXPECT_EQ(both->result_height(), 4);
}

TEST(PictureConfigTest, WhatIsNotSupportedIsRefused) {
  ExpectRefused(kParsePicture, R"({"resample": 1})",
                "p.json: resample: must be an integer in 2..3");
  ExpectRefused(kParsePicture, R"({"do_normalize": false})", "p.json: do_normalize: must be true");
  ExpectRefused(kParsePicture, R"({"image_mean": [0.5]})", "p.json: image_mean: must be 3 numbers");
  ExpectRefused(kParsePicture, R"({"image_std": [0, 1, 1]})",
                "p.json: image_std: must be 3 numbers");
  ExpectRefused(kParsePicture, R"({"size": "x"})", "p.json: size: must be an integer in");
  ExpectRefused(kParsePicture, R"({"size": {"height": 4}})", "p.json: size: width: is required");
  ExpectRefused(kParsePicture, R"({"size": {"shortest_edge": 224, "longest_edge": 300}})",
                "p.json: size: longest_edge: must be null or false");
  ExpectRefused(kParsePicture, R"({"size": 200})", "p.json: crop_size: must not exceed size");
  ExpectRefused(kParsePicture, R"({"crop_size": {"shortest_edge": 200}})",
                "p.json: crop_size: must be a side, or width and height");
  ExpectRefused(kParsePicture, R"({"do_center_crop": false})",
                "p.json: do_center_crop: must be true if size is a shortest edge");
}

}  // namespace
}  // namespace vico::worker
