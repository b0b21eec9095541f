// The drawn world: it is deterministic, and pictures, masks and instances agree.
#include "toyworld/world/world.h"

#include <set>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace vico::toyworld {
namespace {

double Difference(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF); }

Rgb MeanInside(const cv::Mat& image, const cv::Mat& mask) {
  const cv::Scalar mean = cv::mean(image, mask > 250);
  return {mean[0], mean[1], mean[2]};
}

TEST(WorldTest, SameSeedGivesTheSamePictureMaskAndCaption) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Drawing first = DrawCaptioned(seed), second = DrawCaptioned(seed);
    EXPECT_EQ(Difference(first.image, second.image), 0);
    EXPECT_EQ(Difference(first.mask, second.mask), 0);
    EXPECT_EQ(first.caption, second.caption);
  }
  EXPECT_GT(Difference(DrawCaptioned(1).image, DrawCaptioned(2).image), 0);
}

TEST(WorldTest, RandomNumbersMatchSplitMix64) {
  // The published outputs of splitmix64 for seed 1234567.
  Random random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317ULL);
  EXPECT_EQ(random.Next(), 3203168211198807973ULL);
}

TEST(WorldTest, SeedSevenStillGivesTheRecordedClassAndCaption) {
  const Drawing drawing = DrawCaptioned(7);
  EXPECT_EQ(kClassNames[drawing.instance.toy_class], "teapot");
  EXPECT_EQ(drawing.caption, "a photo of a cool teal teapot with steam at night");
}

TEST(WorldTest, ConcurrentDrawingGivesTheSamePictures) {
  std::vector<cv::Mat> alone(8), together(8);
  for (int i = 0; i < 8; ++i) alone[i] = DrawCaptioned(100 + i).image;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&together, t] {
      for (int i = t; i < 8; i += 2) together[i] = DrawCaptioned(100 + i).image;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(Difference(alone[i], together[i]), 0);
}

TEST(WorldTest, PictureAndMaskHaveTheDocumentedSizesAndTypes) {
  const Drawing drawing = DrawCaptioned(3);
  EXPECT_EQ(drawing.image.size(), cv::Size(kSide, kSide));
  EXPECT_EQ(drawing.image.type(), CV_8UC3);
  EXPECT_EQ(drawing.mask.size(), cv::Size(kSide, kSide));
  EXPECT_EQ(drawing.mask.type(), CV_8UC1);
}

TEST(WorldTest, EveryClassInEverySceneShowsAToyAndABackground) {
  for (int toy_class = 0; toy_class < kClassCount; ++toy_class) {
    for (int scene = 0; scene < kSceneCount; ++scene) {
      Random random(toy_class * 31 + scene);
      const Drawing drawing = Draw(RandomInstance(random, toy_class), scene, 5);
      const double share = cv::mean(drawing.mask)[0] / 255;
      EXPECT_GT(share, 0.05) << kClassNames[toy_class] << " in scene " << scene;
      EXPECT_LT(share, 0.6) << kClassNames[toy_class] << " in scene " << scene;
    }
  }
}

TEST(WorldTest, MaskCoversEveryPixelThatTheToysColourChanges) {
  Random random(4);
  Instance red = RandomInstance(random, kBall);
  red.pattern = kPlain;
  Instance blue = red;
  red.paint[0] = {0, kColours[0].rgb};
  blue.paint[0] = {5, kColours[5].rgb};
  const Drawing one = Draw(red, kGrass, 9), other = Draw(blue, kGrass, 9);
  cv::Mat difference;
  cv::absdiff(one.image, other.image, difference);
  cv::cvtColor(difference, difference, cv::COLOR_RGB2GRAY);
  EXPECT_EQ(cv::countNonZero((difference > 3) & (one.mask == 0)), 0);
  EXPECT_GT(cv::countNonZero(difference > 3), 300);
}

TEST(WorldTest, BodyIsDrawnInItsColour) {
  for (int colour = 0; colour < kColourCount; ++colour) {
    Random random(colour);
    Instance ball = RandomInstance(random, kBall);
    ball.pattern = kPlain;
    ball.accessory = 0;
    for (Paint& paint : ball.paint) paint = {colour, kColours[colour].rgb};
    Pose pose;
    pose.gain = 1;
    const Drawing drawing = Draw(ball, kBrick, 11, pose);
    const Rgb mean = MeanInside(drawing.image, drawing.mask), want = kColours[colour].rgb;
    EXPECT_NEAR(mean.r, want.r, 45) << kColours[colour].name;
    EXPECT_NEAR(mean.g, want.g, 45) << kColours[colour].name;
    EXPECT_NEAR(mean.b, want.b, 45) << kColours[colour].name;
  }
}

TEST(WorldTest, PoseMovesTheToyAndNotTheScene) {
  Random random(6);
  const Instance duck = RandomInstance(random, kDuck);
  Pose left, right;
  left.x = -0.5, right.x = 0.5;
  const Drawing a = Draw(duck, kDesert, 12, left), b = Draw(duck, kDesert, 12, right);
  EXPECT_LT(cv::moments(a.mask).m10 / cv::moments(a.mask).m00, 28);
  EXPECT_GT(cv::moments(b.mask).m10 / cv::moments(b.mask).m00, 36);
  const cv::Rect sky(0, 0, kSide, 6);
  EXPECT_EQ(Difference(a.image(sky), b.image(sky)), 0);
}

TEST(WorldTest, LargerPictureShowsTheSameContent) {
  Random random(8);
  const Instance robot = RandomInstance(random, kRobot);
  const Drawing small = Draw(robot, kCity, 13), large = Draw(robot, kCity, 13, {}, 4 * kSide);
  ASSERT_EQ(large.image.cols, 256);
  cv::Mat reduced;
  cv::resize(large.image, reduced, small.image.size(), 0, 0, cv::INTER_AREA);
  EXPECT_GT(cv::PSNR(reduced, small.image), 24);
}

TEST(WorldTest, InstancesHaveThreeDifferentColoursAndUseEveryChoice) {
  Random random(9);
  std::set<int> classes, patterns, accessories;
  for (int i = 0; i < 500; ++i) {
    const Instance toy = RandomInstance(random);
    EXPECT_NE(toy.paint[0].name, toy.paint[1].name);
    EXPECT_NE(toy.paint[0].name, toy.paint[2].name);
    EXPECT_NE(toy.paint[1].name, toy.paint[2].name);
    classes.insert(toy.toy_class);
    patterns.insert(toy.pattern);
    accessories.insert(toy.accessory);
  }
  EXPECT_EQ(classes.size(), static_cast<size_t>(kClassCount));
  EXPECT_EQ(patterns.size(), static_cast<size_t>(kPatternCount));
  EXPECT_EQ(accessories.size(), static_cast<size_t>(kAccessoryCount));
}

}  // namespace
}  // namespace vico::toyworld
