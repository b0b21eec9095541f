// Captions describe their pictures truly and use only known words.
#include "toyworld/world/captions.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <opencv2/core.hpp>

namespace vico::toyworld {
namespace {

using testing::HasSubstr;
using testing::Not;

// "a close-up photo" -> a, close, -, up, photo
std::vector<std::string> Words(std::string text) {
  for (size_t at = 0; (at = text.find('-', at)) != std::string::npos; at += 3) {
    text.replace(at, 1, " - ");
  }
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

bool Says(const std::string& caption, std::string_view word) {
  const std::vector<std::string> words = Words(caption);
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(CaptionsTest, CaptionsStateTrueAttributesOfTheToyAndScene) {
  int colours = 0, patterns = 0, accessories = 0, scenes = 0;
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    const Drawing drawing = DrawCaptioned(seed);
    const Instance& toy = drawing.instance;
    std::string caption = drawing.caption;
    if (const std::optional<int> scene = SceneInPrompt(caption)) {
      EXPECT_EQ(*scene, drawing.scene) << caption;
      ++scenes;
      for (const std::string_view phrase : kScenes[*scene].phrases) {  // "in a green field"
        if (const size_t at = caption.find(phrase); at != std::string::npos) caption.resize(at);
      }
    }
    for (int i = 0; i < kColourCount; ++i) {
      if (!Says(caption, kColours[i].name)) continue;
      EXPECT_EQ(i, toy.paint[0].name) << caption;
      ++colours;
    }
    for (int i = 0; i < kPatternCount; ++i) {
      if (!Says(caption, kPatternNames[i])) continue;
      EXPECT_EQ(i, toy.pattern) << caption;
      ++patterns;
    }
    const bool named = Says(caption, kClassNames[toy.toy_class]);
    EXPECT_TRUE(named || Says(caption, "toy") || Says(caption, "thing")) << caption;
    for (int i = 0; i < kClassCount; ++i) {
      if (i == toy.toy_class) continue;
      EXPECT_FALSE(Says(caption, kClassNames[i])) << caption;
    }
    if (Says(caption, "with")) {
      const std::string accessory(AccessoryName(toy.toy_class, toy.accessory));
      ASSERT_FALSE(accessory.empty()) << caption;
      EXPECT_THAT(caption, HasSubstr("with " + accessory));
      ++accessories;
    }
  }
  EXPECT_GT(colours, 900);
  EXPECT_GT(patterns, 450);
  EXPECT_GT(accessories, 300);
  EXPECT_GT(scenes, 1100);
  EXPECT_LT(scenes, 1350);  // one caption in five names no scene
}

TEST(CaptionsTest, ToysCalledLargeHaveLargerMasksThanToysCalledSmall) {
  double small = 0, large = 0;
  int small_count = 0, large_count = 0;
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    const Drawing drawing = DrawCaptioned(seed);
    const double share = cv::mean(drawing.mask)[0] / 255;
    if (Says(drawing.caption, "small")) small += share, ++small_count;
    if (Says(drawing.caption, "large")) large += share, ++large_count;
  }
  ASSERT_GT(small_count, 25);
  ASSERT_GT(large_count, 25);
  EXPECT_GT(large / large_count, 2 * small / small_count);
}

TEST(CaptionsTest, PicturesCalledBrightAreBrighterThanPicturesCalledDark) {
  double dark = 0, bright = 0;
  int dark_count = 0, bright_count = 0;
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    const Drawing drawing = DrawCaptioned(seed);
    const cv::Scalar mean = cv::mean(drawing.image);
    const double level = (mean[0] + mean[1] + mean[2]) / 3;
    if (Says(drawing.caption, "dark")) dark += level, ++dark_count;
    if (Says(drawing.caption, "bright")) bright += level, ++bright_count;
  }
  ASSERT_GT(dark_count, 25);
  ASSERT_GT(bright_count, 25);
  EXPECT_GT(bright / bright_count, 1.6 * dark / dark_count);
}

TEST(CaptionsTest, ArticlesAreCorrectAndNoBracesRemain) {
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    const std::string caption = " " + DrawCaptioned(seed).caption;
    EXPECT_THAT(caption, Not(HasSubstr(" a orange")));
    EXPECT_THAT(caption, Not(HasSubstr(" a an ")));
    EXPECT_THAT(caption, Not(HasSubstr("{}")));
  }
}

TEST(CaptionsTest, CaptionsUseEveryKnownWordAndNoOther) {
  const std::vector<std::string> known = KnownWords();
  std::set<std::string> unused(known.begin(), known.end());
  for (uint64_t seed = 0; seed < 10000; ++seed) {
    Random random(seed);
    const Instance toy = RandomInstance(random);
    const int scene = random.Below(kSceneCount);
    for (const std::string& word : Words(RandomCaption(toy, scene, random).text)) {
      EXPECT_TRUE(std::binary_search(known.begin(), known.end(), word)) << word;
      unused.erase(word);
    }
  }
  EXPECT_THAT(unused, testing::IsEmpty());
}

TEST(CaptionsTest, SceneInPromptFindsTheSceneOfAUsersPrompt) {
  EXPECT_EQ(SceneInPrompt("a photo of a S* under the sea"), kOcean);
  EXPECT_EQ(SceneInPrompt("a S* on a wooden table"), kTable);
  EXPECT_EQ(SceneInPrompt("a photo of a S*"), std::nullopt);
}

}  // namespace
}  // namespace vico::toyworld
