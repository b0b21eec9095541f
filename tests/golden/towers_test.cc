// Compares the towers and their preprocessing with transformers; recorded by record_towers.py. If
// the environment variable VICO_FULL_TOWERS names the folder of record_towers.py --full, models of
// the published sizes are compared, too.
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/golden/tensors.h"
#include "tests/support/status_matchers.h"
#include "worker/evaluation/judge.h"
#include "worker/towers/clip_tower.h"
#include "worker/towers/dino_tower.h"

namespace vico {

using worker::ClipTower;
using worker::DinoTower;
using worker::Pixels;
using worker::TensorMap;

namespace {

using golden::Near;

Pixels ToPixels(const torch::Tensor& bytes) {
  const auto* data = bytes.data_ptr<uint8_t>();
  return {static_cast<int>(bytes.size(1)),
          static_cast<int>(bytes.size(0)),
          {data, data + bytes.numel()}};
}

/// Prepares both pictures and expects what transformers gives. Returns the batch.
template <class Tower>
torch::Tensor ExpectSamePictures(const Tower& tower, const TensorMap& io) {
  std::vector<torch::Tensor> batch;
  for (const std::string name : {"landscape", "portrait"}) {
    const auto prepared = tower.Prepare(ToPixels(io.at("picture_" + name)));
    EXPECT_THAT(prepared, IsOk());
    EXPECT_TRUE(Near(*prepared, io.at("prepared_" + name), 1e-6)) << name;
    batch.push_back(*prepared);
  }
  return torch::stack(batch);
}

/// Prints the difference, which matters for the models of full size.
testing::AssertionResult NearAndShown(const char* what, const torch::Tensor& actual,
                                      const torch::Tensor& expected) {
  std::cout << what << ": largest difference " << (actual - expected).abs().max().item<float>()
            << "\n";
  return Near(actual, expected, 1e-5);
}

void ExpectSameClip(const std::string& folder, const std::string& io_path) {
  const auto io = worker::ReadTensors(SafetensorsFile::Open(io_path).value());
  const auto tower = ClipTower::Load(folder);
  ASSERT_THAT(tower, IsOk());
  const auto batch = ExpectSamePictures(**tower, io);
  EXPECT_TRUE(NearAndShown("picture", (*tower)->ImageEmbedding(batch), io.at("image_embedding")));
  const auto words = (*tower)->Ids({"a photo of a dog on the beach", "robot"});
  EXPECT_TRUE(torch::equal(words, io.at("word_ids")));
  EXPECT_TRUE(NearAndShown("words", (*tower)->TextEmbedding(words), io.at("word_embedding")));
  EXPECT_TRUE(NearAndShown("text", (*tower)->TextEmbedding(io.at("ids")), io.at("text_embedding")));
}

void ExpectSameDino(const std::string& folder, const std::string& io_path) {
  const auto io = worker::ReadTensors(SafetensorsFile::Open(io_path).value());
  const auto tower = DinoTower::Load(folder);
  ASSERT_THAT(tower, IsOk());
  const auto batch = ExpectSamePictures(**tower, io);
  EXPECT_TRUE(NearAndShown("features", (*tower)->Features(batch), io.at("features")));
}

/// The cosine of two rows that transformers has computed.
double Cosine(const torch::Tensor& a, const torch::Tensor& b) {
  const auto x = a.to(torch::kDouble), y = b.to(torch::kDouble);
  return (x.dot(y) / x.norm() / y.norm()).item<double>();
}

/// The figures of the picture "portrait", drawn for `prompt`, if "landscape" is the real one.
std::map<std::string, double> FiguresOf(absl::StatusOr<std::unique_ptr<worker::Judge>> judge,
                                        const TensorMap& io, const std::string& prompt) {
  EXPECT_THAT(judge, IsOk());
  const auto measured = (*judge)->Measure({.real = {ToPixels(io.at("picture_landscape"))},
                                           .generated = {ToPixels(io.at("picture_portrait"))},
                                           .prompts = {prompt}},
                                          [] { return true; });
  EXPECT_THAT(measured, IsOk());
  std::map<std::string, double> figures;
  for (const auto& figure : *measured) figures[figure.name] = figure.values.at(0).value();
  return figures;
}

TEST(TowersGolden, TheFiguresOfEvaluationsAreCosinesOfTransformersEmbeddings) {
  const auto clip =
      worker::ReadTensors(SafetensorsFile::Open("tests/golden/io/clip.safetensors").value());
  const auto pictures = clip.at("image_embedding");
  const double alike = Cosine(pictures[0], pictures[1]);
  const auto of_clip = FiguresOf(worker::OpenClipJudge("tests/golden/towers/clip"), clip, "robot");
  EXPECT_NEAR(of_clip.at("clip_i"), alike, 1e-5);
  EXPECT_NEAR(of_clip.at("nearest_picture"), alike, 1e-5);
  EXPECT_NEAR(of_clip.at("clip_t"), Cosine(pictures[1], clip.at("word_embedding")[1]), 1e-5);

  const auto dino =
      worker::ReadTensors(SafetensorsFile::Open("tests/golden/io/dino.safetensors").value());
  const auto features = dino.at("features");
  const auto of_dino = FiguresOf(worker::OpenDinoJudge("tests/golden/towers/dino"), dino, "");
  EXPECT_NEAR(of_dino.at("dino"), Cosine(features[0], features[1]), 1e-5);
}

TEST(TowersGolden, ClipWithQuickGeluAndTheOldRuleForTheEndEqualsTransformers) {
  ExpectSameClip("tests/golden/towers/clip", "tests/golden/io/clip.safetensors");
}

TEST(TowersGolden, ClipWithGeluAndTheNewRuleForTheEndEqualsTransformers) {
  ExpectSameClip("tests/golden/towers/clip_gelu", "tests/golden/io/clip_gelu.safetensors");
}

TEST(TowersGolden, DinoEqualsTransformers) {
  ExpectSameDino("tests/golden/towers/dino", "tests/golden/io/dino.safetensors");
}

TEST(TowersGolden, DinoOfCroppedPicturesWithoutBiasesEqualsTransformers) {
  ExpectSameDino("tests/golden/towers/dino_cropped", "tests/golden/io/dino_cropped.safetensors");
}

TEST(TowersGolden, ModelsOfThePublishedSizesEqualTransformers) {
  const char* const folder = std::getenv("VICO_FULL_TOWERS");
  if (folder == nullptr) GTEST_SKIP() << "VICO_FULL_TOWERS is not set";
  for (const std::string name : {"clip", "clip_gelu"}) {
    const std::string path = std::string(folder) + "/" + name;
    std::cout << path << "\n";
    ExpectSameClip(path, path + ".safetensors");
  }
  for (const std::string name : {"dino", "dino_cropped"}) {
    const std::string path = std::string(folder) + "/" + name;
    std::cout << path << "\n";
    ExpectSameDino(path, path + ".safetensors");
  }
}

}  // namespace
}  // namespace vico
