#include "server/disk/data_folder.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

TEST(DataFolderTest, RefusesASecondServerWhileTheFirstRuns) {
  const TempFolder temp;
  const std::string path = temp.path() + "/a/b";
  auto first = DataFolder::Open(path);
  ASSERT_THAT(first, IsOk());
  const auto second = DataFolder::Open(path);
  EXPECT_THAT(second, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(second, HasReason("DATA_FOLDER_IN_USE"));
  EXPECT_THAT(second, HasMessage(testing::HasSubstr(path)));
  first->reset();
  EXPECT_THAT(DataFolder::Open(path), IsOk());
}

TEST(DataFolderTest, IsAccessibleToItsOwnerOnly) {
  const TempFolder temp;
  const auto folder = DataFolder::Open(temp.path() + "/data");
  ASSERT_THAT(folder, IsOk());
  EXPECT_EQ(std::filesystem::status(temp.path() + "/data").permissions(),
            std::filesystem::perms::owner_all);
}

TEST(DataFolderTest, TheErrorNamesAFolderThatCannotBeCreated) {
  const auto folder = DataFolder::Open("/proc/no/such/place");
  EXPECT_THAT(folder, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(folder, HasMessage(testing::HasSubstr("/proc/no/such/place")));
}

}  // namespace
}  // namespace vico::server
