#include "toyworld/charts/contact_sheet.h"

#include <gmock/gmock.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/toyworld/plain_picture.h"

namespace vico::toyworld {
namespace {

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
