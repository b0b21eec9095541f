#include "client/cli/picture_folder.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace vico::client {
namespace {

TEST(PictureFolderTest, FileNamesTellTheKindOfPicture) {
  v1::Event event;
  event.mutable_picture()->set_index(2);
  event.mutable_picture()->set_seed(18446744073709551615ULL);
  EXPECT_EQ(PictureFileName(event), "picture_2_18446744073709551615.png");
  event.mutable_sample()->set_step(50);
  EXPECT_EQ(PictureFileName(event), "sample_step_50.png");
  event.mutable_mask()->set_picture_index(3);
  EXPECT_EQ(PictureFileName(event), "mask_3.png");
  event.mutable_preview()->set_picture_index(1);
  event.mutable_preview()->set_step(5);
  EXPECT_EQ(PictureFileName(event), "preview_1_step_5.png");
  event.mutable_progress();
  EXPECT_EQ(PictureFileName(event), "");
}

TEST(PictureFolderTest, SaveWritesThePicture) {
  v1::Event event;
  event.mutable_picture()->set_seed(7);
  const TempFolder folder;
  const auto path = PictureFolder(folder.path() + "/beach").Save(event, "PNG");
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(path->string(), folder.path() + "/beach/picture_0_7.png");
  std::string bytes;
  std::ifstream(*path) >> bytes;
  EXPECT_EQ(bytes, "PNG");
}

}  // namespace
}  // namespace vico::client
