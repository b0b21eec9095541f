#include "worker/sheet/contact_sheet.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "tests/toyworld/plain_picture.h"

namespace vico::worker {
namespace {

using toyworld::PlainPicture;

TEST(ContactSheetTest, PicturesAreInOrderOnAWhiteBackground) {
  SheetOptions options;
  options.tile = 32;
  options.gap = 4;
  const cv::Mat sheet =
      ContactSheet({PlainPicture(64, {255, 0, 0}), PlainPicture(16, {0, 0, 255})}, 2, options);
  ASSERT_EQ(sheet.size(), cv::Size(2 * 18 + 2 * 32 + 4, 2 * 18 + 32));
  EXPECT_EQ(sheet.at<cv::Vec3b>(0, 0), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(sheet.at<cv::Vec3b>(18 + 16, 18 + 16), cv::Vec3b(255, 0, 0));
  EXPECT_EQ(sheet.at<cv::Vec3b>(18 + 16, 18 + 36 + 16), cv::Vec3b(0, 0, 255));
}

TEST(ContactSheetTest, MissingPictureLeavesItsTileWhite) {
  SheetOptions options;
  options.tile = 32;
  const cv::Mat sheet =
      ContactSheet(std::vector<SheetRow>{{"", {cv::Mat(), PlainPicture(32, {9, 9, 9})}}}, options);
  EXPECT_EQ(sheet.at<cv::Vec3b>(18 + 16, 18 + 16), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(sheet.at<cv::Vec3b>(18 + 16, 18 + 38 + 16), cv::Vec3b(9, 9, 9));
}

TEST(ContactSheetTest, LabelIsDrawnAndALongOneStaysWithinTheMargin) {
  SheetOptions options;
  options.tile = 64;
  const std::vector<SheetRow> rows = {{std::string(300, 'w'), {PlainPicture(64, {255, 255, 255})}}};
  const cv::Mat sheet = ContactSheet(rows, options);
  EXPECT_LT(cv::mean(sheet)[0], 255);  // the label is dark
  EXPECT_EQ(cv::mean(sheet(cv::Rect(sheet.cols - 16, 0, 16, sheet.rows)))[0],
            255);  // the margin is empty
}

// A heading ends before the next one.
TEST(ContactSheetTest, AHeadingStaysAboveItsColumns) {
  SheetOptions options;
  options.tile = 32;
  options.columns = {"", std::string(99, 'w'), "x"};
  const cv::Mat white = PlainPicture(32, {255, 255, 255});
  const cv::Mat sheet = ContactSheet(std::vector<SheetRow>{{"", {white, white, white}}}, options);
  const int next = 18 + 2 * (32 + 6);  // where the third column starts
  const cv::Mat gap = sheet(cv::Rect(next - 5, 0, 4, sheet.rows));
  EXPECT_EQ(cv::mean(gap)[0], 255);
  EXPECT_LT(cv::mean(sheet(cv::Rect(next - 38, 0, 32, sheet.rows)))[0], 255);
}

}  // namespace
}  // namespace vico::worker
