#include "server/pictures/thumbnail.h"

#include <gmock/gmock.h>
#include <opencv2/imgproc.hpp>

#include "tests/server/pictures/direct_decoder.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

class ThumbnailTest : public testing::Test {
 protected:
  absl::StatusOr<EncodedPicture> Make(const cv::Mat& picture, int side, ThumbnailFormat format) {
    return MakeThumbnail(Encoded(picture, ".png"), decoder_, side, format);
  }
  DirectDecoder decoder_;
};

TEST_F(ThumbnailTest, TheLongerSideIsTheOneAskedFor) {
  for (const cv::Size size : {cv::Size(640, 480), cv::Size(480, 640), cv::Size(1000, 10)}) {
    const auto made = Make(TestPicture(size.width, size.height), 64, ThumbnailFormat::kPng);
    ASSERT_THAT(made, IsOk());
    EXPECT_EQ(std::max(made->width, made->height), 64);
    EXPECT_EQ(Decoded(made->bytes).size(), cv::Size(made->width, made->height));
    EXPECT_GE(std::min(made->width, made->height), 1);
  }
}

TEST_F(ThumbnailTest, FinePatternsAreAveraged) {
  cv::Mat stripes(256, 256, CV_8UC3, cv::Scalar::all(0));
  for (int x = 0; x < 256; x += 2) stripes.col(x).setTo(cv::Scalar::all(255));
  const auto made = Make(stripes, 64, ThumbnailFormat::kPng);
  ASSERT_THAT(made, IsOk());
  const cv::Mat pixels = Decoded(made->bytes);
  double darkest = 0;
  double brightest = 0;
  cv::minMaxLoc(pixels.reshape(1), &darkest, &brightest);
  EXPECT_NEAR(darkest, 127.5, 1);
  EXPECT_NEAR(brightest, 127.5, 1);
}

TEST_F(ThumbnailTest, AGreyMaskOfFewPixelsIsTaken) {
  cv::Mat mask(16, 16, CV_8UC1, cv::Scalar(0));
  mask(cv::Rect(4, 4, 8, 8)).setTo(255);
  const auto jpeg = Make(mask, 64, ThumbnailFormat::kJpeg);
  ASSERT_THAT(jpeg, IsOk());
  EXPECT_EQ(jpeg->width, 16);
  const cv::Mat pixels = Decoded(jpeg->bytes);
  EXPECT_GT(pixels.at<cv::Vec3b>(8, 8)[0], 200);
  EXPECT_LT(pixels.at<cv::Vec3b>(0, 0)[0], 50);
}

TEST_F(ThumbnailTest, ASmallPictureOfTheFormatIsItsOwnThumbnail) {
  const auto made = Make(TestPicture(64, 40), 64, ThumbnailFormat::kPng);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->bytes, "");
  EXPECT_EQ(made->width, 64);
  EXPECT_EQ(made->height, 40);
}

TEST_F(ThumbnailTest, BytesThatAreNoPictureAreRefused) {
  EXPECT_THAT(MakeThumbnail("no picture", decoder_, 64, ThumbnailFormat::kPng),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vico::server
