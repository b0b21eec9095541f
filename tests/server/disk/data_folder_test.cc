#include "server/disk/data_folder.h"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <unistd.h>

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

TEST(DataFolderTest, DeletedOrReplacedFilesLetNoSecondServerIn) {
  const TempFolder temp;
  const std::string path = temp.path() + "/data";
  const auto first = DataFolder::Open(path);
  ASSERT_THAT(first, IsOk());
  std::ofstream(path + "/lock");
  EXPECT_THAT(DataFolder::Open(path), HasReason("DATA_FOLDER_IN_USE"));
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    std::filesystem::remove_all(entry.path());
  }
  EXPECT_THAT(DataFolder::Open(path), HasReason("DATA_FOLDER_IN_USE"));
  std::filesystem::create_directory_symlink(path, temp.path() + "/again");
  EXPECT_THAT(DataFolder::Open(temp.path() + "/again"), HasReason("DATA_FOLDER_IN_USE"));
}

TEST(DataFolderTest, KeepsOutAServerBesideOneOfVersion01) {
  const TempFolder temp;
  const int old_lock = open((temp.path() + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(old_lock, LOCK_EX | LOCK_NB), 0);
  EXPECT_THAT(DataFolder::Open(temp.path()), HasReason("DATA_FOLDER_IN_USE"));
  close(old_lock);
  EXPECT_THAT(DataFolder::Open(temp.path()), IsOk());
}

TEST(DataFolderTest, ClosesTheDatabaseOfAnOlderVersionToOthers) {
  const TempFolder temp;
  for (const char* name : {"vico.db", "vico.db-wal", "vico.db-shm"}) {
    std::ofstream(temp.path() + "/" + name);
    std::filesystem::permissions(temp.path() + "/" + name, std::filesystem::perms(0644));
  }
  ASSERT_THAT(DataFolder::Open(temp.path()), IsOk());
  for (const char* name : {"vico.db", "vico.db-wal", "vico.db-shm"}) {
    EXPECT_EQ(std::filesystem::status(temp.path() + "/" + name).permissions(),
              std::filesystem::perms(0600))
        << name;
  }
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
