#include "toyworld/charts/contact_sheet.h"

#include <gmock/gmock.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/toyworld/plain_picture.h"

namespace vico::toyworld {
namespace {

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

TEST(ContactSheetTest, WrittenPictureHasTheSameColoursWhenRead) {
  const TempFolder folder;
  const std::string path = folder.path() + "/red.png";
  ASSERT_THAT(WritePicture(path, PlainPicture(8, {255, 0, 0})), IsOk());
  EXPECT_EQ(cv::imread(path).at<cv::Vec3b>(0, 0), cv::Vec3b(0, 0, 255));  // BGR
}

TEST(ContactSheetTest, ErrorNamesAPathThatCannotBeWritten) {
  const absl::Status status = WritePicture("/nowhere/at/all.png", PlainPicture(8, {1, 2, 3}));
  EXPECT_THAT(status, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(status, HasMessage(testing::HasSubstr("/nowhere/at/all.png")));
}

}  // namespace
}  // namespace vico::toyworld
