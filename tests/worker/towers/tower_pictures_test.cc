#include "worker/towers/tower_pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace vico::worker {
namespace {

/// The bytes are the result.
PictureConfig Bytes() {
  PictureConfig config;
  config.rescale = 1;
  config.mean = {0, 0, 0};
  config.std = {1, 1, 1};
  return config;
}

/// Grey columns 0, 10, 20, ... or, transposed, rows.
Pixels Steps(int count, int other, bool transposed) {
  Pixels pixels{transposed ? other : count, transposed ? count : other, {}};
  for (int y = 0; y < pixels.height; ++y) {
    for (int x = 0; x < pixels.width; ++x) {
      pixels.rgb.insert(pixels.rgb.end(), 3, static_cast<uint8_t>(10 * (transposed ? y : x)));
    }
  }
  return pixels;
}

TEST(TowerPicturesTest, TheCentreIsKept) {
  auto config = Bytes();
  config.shortest_edge = config.crop_width = config.crop_height = 4;
  for (const bool transposed : {false, true}) {
    // 4 of 9: two and a half on each side, of which the first loses the half.
    const auto result = PreparePicture(Steps(9, 4, transposed), config);
    ASSERT_THAT(result, IsOk());
    ASSERT_EQ(result->sizes(), (torch::IntArrayRef{3, 4, 4}));
    const auto along = transposed ? (*result)[1].select(1, 2) : (*result)[1].select(0, 2);
    EXPECT_TRUE(torch::equal(along, torch::tensor({20.0f, 30.0f, 40.0f, 50.0f})));
  }
}

TEST(TowerPicturesTest, TheLongerSideIsCutOffAndNotRounded) {
  auto config = Bytes();
  config.shortest_edge = 3;
  config.crop_width = 2;
  config.crop_height = 3;
  // 5 x 3 pixels stay, and the centre begins at 1.
  const auto kept = PreparePicture(Steps(5, 3, false), config);
  ASSERT_THAT(kept, IsOk());
  EXPECT_TRUE(torch::equal((*kept)[0][0], torch::tensor({10.0f, 20.0f})));
  // 5 x 2 pixels become 7 x 3, since 7.5 is cut off, and the centre begins at 2.
  const auto cut = PreparePicture(Steps(5, 2, false), config);
  ASSERT_THAT(cut, IsOk());
  const auto seven = ResizeBicubic(Steps(5, 2, false).rgb, 5, 2, 7, 3);
  EXPECT_EQ((*cut)[0][0][0].item<float>(), static_cast<float>(seven[2 * 3]));
  EXPECT_EQ((*cut)[0][0][1].item<float>(), static_cast<float>(seven[3 * 3]));
}

TEST(TowerPicturesTest, EachChannelIsNormalised) {
  PictureConfig config;
  config.width = config.height = 1;
  config.mean = {0, 0.2, 0.5};
  config.std = {1, 0.4, 0.25};
  const auto result = PreparePicture({1, 1, {255, 102, 0}}, config);
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(torch::allclose(result->view(-1), torch::tensor({1.0f, 0.5f, -2.0f})));
}

TEST(TowerPicturesTest, APictureThatWouldBecomeHugeIsRefused) {
  auto config = Bytes();
  config.shortest_edge = config.crop_width = config.crop_height = 224;
  const Pixels line{1, 2000, std::vector<uint8_t>(6000)};
  EXPECT_THAT(PreparePicture(line, config),
              HasMessage("picture: is too narrow: 1 x 2000 pixels would be resized to 224 x "
                         "448000"));
}

}  // namespace
}  // namespace vico::worker
