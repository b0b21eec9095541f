// The data folder of vico-server: who may read it, who may use it, and its backups.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "common/clock.h"
#include "server/storage/storage.h"
#include "tests/hostile/store_process.h"
#include "tests/server/blob_file.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class StoreFolderTest : public testing::Test {
 protected:
  /// Files and folders that others than their owner may read, write or enter.
  static std::vector<std::string> OpenToOthers(const std::string& folder) {
    std::vector<std::string> open;
    const auto look = [&](const fs::path& path) {
      std::error_code gone;  // the file of the readiness check comes and goes
      const auto mode = fs::symlink_status(path, gone).permissions();
      if (!gone && (mode & (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none) {
        open.push_back(path);
      }
    };
    look(folder);
    for (const auto& entry : fs::recursive_directory_iterator(folder)) look(entry.path());
    return open;
  }

  /// A data folder with two concepts of one picture each. Returns the paths of the pictures.
  std::vector<std::string> TwoConcepts() {
    const SystemClock clock;
    PosixFiles files;
    EventFeed feed;
    const auto storage = Storage::Open({.data = data_}, clock, files, feed, Log::Off());
    EXPECT_THAT(storage, IsOk());
    std::vector<std::string> paths;
    for (const std::string bytes : {"first", "second"}) {
      v1::Concept uploaded;
      const auto blob = PutBlob((*storage)->blobs(), "default", bytes, "image/png");
      EXPECT_THAT(blob, IsOk());
      *uploaded.add_pictures()->mutable_blob() = *blob;
      EXPECT_THAT((*storage)->catalog().CreateConcept({"default", bytes, "h"}, uploaded), IsOk());
      paths.push_back(BlobFile(data_, "default", blob->sha256()));
    }
    return paths;
  }

  Finished Backup(const std::vector<std::string>& flags = {}) {
    std::vector<std::string> command{
        VICO_SERVER_BINARY, "backup", "--data", data_, "--to", backup_};
    command.insert(command.end(), flags.begin(), flags.end());
    return RunToEnd(command);
  }

  TempFolder folder_;
  const std::string data_ = folder_.path() + "/data";
  const std::string backup_ = folder_.path() + "/backup";
};

TEST_F(StoreFolderTest, AllFilesAreForTheirOwnerOnlyWhateverTheUmask) {
  std::string command = "umask 0; exec";
  for (const std::string& word : ServerProcess::Command(data_)) command += " " + word;
  Process server(
      {"sh", "-c", command},
      {.out = data_ + ".log", .err = data_ + ".log", .environment = {}, .largest_file = {}});
  ASSERT_TRUE(Eventually([&] { return fs::exists(data_ + "/ports.json"); }, kServerPatience));
  EXPECT_TRUE(fs::exists(data_ + "/vico.db-wal"));
  EXPECT_THAT(OpenToOthers(data_), testing::IsEmpty());
  const std::string backup =
      fmt::format("umask 0; exec {} backup --data {} --to {}", VICO_SERVER_BINARY, data_, backup_);
  EXPECT_EQ(RunToEnd({"sh", "-c", backup}).exit_code, 0);
  EXPECT_THAT(OpenToOthers(backup_), testing::IsEmpty());
}

TEST_F(StoreFolderTest, NoDeletedFileLetsASecondServerIn) {
  ServerProcess first(data_);
  ASSERT_TRUE(Eventually([&] { return first.IsServing(); }, kServerPatience)) << first.log();
  fs::remove(data_ + "/lock");
  fs::remove(data_ + "/ports.json");
  const Finished second = RunToEnd(ServerProcess::Command(data_), kServerPatience);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("another server is using it"));
  EXPECT_TRUE(first.process().Running());
}

TEST_F(StoreFolderTest, ABackupIsACopyUnlessLinksAreAskedFor) {
  const auto pictures = TwoConcepts();
  const Finished copied = Backup();
  EXPECT_EQ(copied.exit_code, 0) << copied.err;
  EXPECT_THAT(copied.err, Not(HasSubstr("hard links")));
  EXPECT_EQ(fs::hard_link_count(pictures[0]), 1u);
  fs::remove_all(backup_);
  const Finished linked = Backup({"--link"});
  EXPECT_EQ(linked.exit_code, 0);
  EXPECT_THAT(linked.err, HasSubstr("2 blobs are hard links"));
}

TEST_F(StoreFolderTest, BackupAndRestoreOfTheRestSayWhatIsLost) {
  const auto pictures = TwoConcepts();
  std::ofstream(pictures[0], std::ios::binary | std::ios::trunc) << "fIrst";
  const Finished backup = Backup();
  EXPECT_EQ(backup.exit_code, 3);
  EXPECT_THAT(backup.err, HasSubstr("is damaged; referenced by concepts/"));
  EXPECT_THAT(backup.out, HasSubstr("1 blobs"));

  const std::string second = backup_ + pictures[1].substr(data_.size());
  ASSERT_TRUE(fs::remove(second));
  const std::string restored = folder_.path() + "/restored";
  const Finished restore =
      RunToEnd({VICO_SERVER_BINARY, "restore", "--from", backup_, "--data", restored});
  EXPECT_EQ(restore.exit_code, 3);
  EXPECT_THAT(restore.err, HasSubstr("2 blobs are lost"));
  ServerProcess server(restored);
  EXPECT_TRUE(Eventually([&] { return server.IsServing(); }, kServerPatience)) << server.log();
}

}  // namespace
}  // namespace vico::server
