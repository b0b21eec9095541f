// Backup while the store is in use, and the restore drill.
#include "server/storage/backup.h"

#include <atomic>
#include <map>
#include <thread>

#include "server/blobs/blob_recovery.h"
#include "server/store/sql_catalog.h"
#include "tests/server/blobs/blob_fixture.h"

namespace vico::server {
namespace {

namespace fs = std::filesystem;

class BackupTest : public LocalBlobTest {
 protected:
  /// A concept of one picture with these bytes.
  v1::BlobRef PutConcept(const std::string& bytes) {
    v1::Concept uploaded;
    *uploaded.add_pictures()->mutable_blob() = Put(bytes);
    SqlCatalog catalog(*database_, time_);
    EXPECT_THAT(catalog.CreateConcept({"default", "request of " + bytes, "h"}, uploaded), IsOk());
    return uploaded.pictures(0).blob();
  }

  std::vector<std::string> ConceptBlobs(const std::string& data) {
    const auto database = SqliteDatabase::Open(data + "/vico.db");
    EXPECT_THAT(database, IsOk());
    SqlCatalog catalog(**database, time_);
    const auto page = catalog.ListConcepts({.tenant = "default", .page_size = 100});
    EXPECT_THAT(page, IsOk());
    std::vector<std::string> blobs;
    for (const auto& item : page->concepts) blobs.push_back(item.pictures(0).blob().sha256());
    return blobs;
  }

  static void FlipFirstByte(const std::string& path) {
    std::string bytes;
    {
      std::ifstream file(path, std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(file), {});
    }
    fs::remove(path);  // it may be a link
    bytes[0] = static_cast<char>(bytes[0] ^ 1);
    std::ofstream(path, std::ios::binary) << bytes;
  }

  const std::string data_ = folder_.path();
  const std::string backup_ = folder_.path() + "-backup";
  const std::string restored_ = folder_.path() + "-restored";
  PosixFiles posix_;

  ~BackupTest() override {
    std::error_code ignored;
    fs::remove_all(backup_, ignored);
    fs::remove_all(restored_, ignored);
  }

  std::string InBackup(const v1::BlobRef& blob) const {
    return BlobFile(backup_, "default", blob.sha256());
  }
};

TEST_F(BackupTest, RestoresABackupTakenDuringWrites) {
  std::vector<v1::BlobRef> blobs;
  for (int i = 0; i < 20; ++i) blobs.push_back(PutConcept("picture " + std::to_string(i)));
  std::atomic<bool> stop = false;
  std::atomic<int> written = 0;
  std::thread writer([&] {
    for (int i = 0; !stop && i < 500; ++i, ++written) PutConcept("later " + std::to_string(i));
  });
  while (written < 3) std::this_thread::yield();
  const auto backed_up = BackUp(data_, backup_, posix_);
  stop = true;
  writer.join();
  ASSERT_THAT(backed_up, IsOk());
  EXPECT_GE(backed_up->blobs, 23);
  EXPECT_EQ(backed_up->linked, 0);
  EXPECT_TRUE(backed_up->lost.empty());

  fs::remove_all(data_ + "/blobs");  // the disaster
  const auto restored = Restore(backup_, restored_, posix_);
  ASSERT_THAT(restored, IsOk());
  EXPECT_EQ(restored->blobs, backed_up->blobs);
  EXPECT_EQ(restored->bytes, backed_up->bytes);

  const auto named = ConceptBlobs(restored_);
  EXPECT_GE(named.size(), 20u);
  const auto objects = LocalObjects::Open(restored_ + "/blobs", posix_);
  ASSERT_THAT(objects, IsOk());
  const auto database = SqliteDatabase::Open(restored_ + "/vico.db");
  ASSERT_THAT(database, IsOk());
  const BlobParts parts = {**objects, **database, time_};
  TrackedBlobStore store(parts);
  const auto recovery = RecoverBlobs(parts);
  ASSERT_THAT(recovery, IsOk());
  EXPECT_EQ(recovery->adopted + recovery->forgotten, 0);
  EXPECT_TRUE(recovery->lost.empty());
  for (const std::string& sha256 : named) {
    EXPECT_THAT(GetBlob(store, "default", sha256, 100), IsOk());
  }
}

TEST_F(BackupTest, BacksUpAFolderWithoutAServer) {
  PutConcept("picture");
  store_.reset();
  objects_.reset();
  database_.reset();
  EXPECT_THAT(BackUp(data_, backup_, posix_), IsOk());
  EXPECT_THAT(Restore(backup_, restored_, posix_), IsOk());
  EXPECT_EQ(ConceptBlobs(restored_).size(), 1u);
}

TEST_F(BackupTest, RequiresAnEmptyTargetAndACompleteSource) {
  PutConcept("picture");
  fs::create_directory(backup_);
  std::ofstream(backup_ + "/something") << "else";
  EXPECT_THAT(BackUp(data_, backup_, posix_), HasCode(absl::StatusCode::kFailedPrecondition));
  fs::remove_all(backup_);
  EXPECT_THAT(BackUp(folder_.path() + "/blobs", backup_, posix_),
              HasCode(absl::StatusCode::kFailedPrecondition));
  ASSERT_THAT(BackUp(data_, backup_, posix_), IsOk());
  fs::create_directory(restored_);
  std::ofstream(restored_ + "/something") << "else";
  EXPECT_THAT(Restore(backup_, restored_, posix_), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_TRUE(fs::exists(restored_ + "/something"));
  fs::remove_all(restored_);
  fs::remove(backup_ + "/backup.json");
  EXPECT_THAT(Restore(backup_, restored_, posix_), HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(BackupTest, ABackupSharesNoBytesWithTheData) {
  const v1::BlobRef blob = PutConcept("picture");
  ASSERT_THAT(BackUp(data_, backup_, posix_), IsOk());
  EXPECT_EQ(fs::hard_link_count(PathOf(blob)), 1u);
  Damage(blob);
  const auto restored = Restore(backup_, restored_, posix_);
  ASSERT_THAT(restored, IsOk());
  EXPECT_TRUE(restored->lost.empty());
}

TEST_F(BackupTest, LinksShareBytesWhenTheyAreAskedFor) {
  const v1::BlobRef blob = PutConcept("picture");
  const auto backed_up = BackUp(data_, backup_, posix_, BackupWay::kLink);
  ASSERT_THAT(backed_up, IsOk());
  EXPECT_EQ(backed_up->linked, 1) << "on one disk";
  EXPECT_EQ(fs::hard_link_count(PathOf(blob)), 2u);
}

TEST_F(BackupTest, ABackupIsForItsOwnerOnly) {
  const v1::BlobRef blob = PutConcept("picture");
  ASSERT_THAT(BackUp(data_, backup_, posix_), IsOk());
  EXPECT_EQ(fs::status(backup_).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(InBackup(blob)).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(BackupTest, ABackupLeavesOutWhatIsLostAndNamesIt) {
  const v1::BlobRef whole = PutConcept("whole");
  const v1::BlobRef damaged = PutConcept("damaged");
  const v1::BlobRef missing = PutConcept("missing");
  const v1::BlobRef without_row = PutConcept("without a row");
  Put("garbage that nothing references");
  Damage(damaged);
  fs::remove(PathOf(missing));
  ASSERT_THAT(Sql(("DELETE FROM blob WHERE sha256 = '" + without_row.sha256() + "'").c_str()),
              IsOk());
  const auto backed_up = BackUp(data_, backup_, posix_);
  ASSERT_THAT(backed_up, IsOk());
  EXPECT_EQ(backed_up->blobs, 2) << "the whole one and the garbage";
  std::map<std::string, bool> lost;
  for (const LostInBackup& blob : backed_up->lost) {
    lost[blob.sha256] = blob.damaged;
    ASSERT_EQ(blob.users.size(), 1u);
    EXPECT_THAT(blob.users[0], testing::StartsWith("concepts/"));
  }
  EXPECT_EQ(lost, (std::map<std::string, bool>{{damaged.sha256(), true},
                                               {missing.sha256(), false},
                                               {without_row.sha256(), false}}));
  EXPECT_TRUE(fs::exists(InBackup(whole)));
  EXPECT_FALSE(fs::exists(InBackup(damaged)));

  const auto restored = Restore(backup_, restored_, posix_);
  ASSERT_THAT(restored, IsOk());
  EXPECT_EQ(restored->blobs, 2);
  EXPECT_EQ(restored->lost.size(), 3u);
}

TEST_F(BackupTest, TheUndamagedRestOfABackupIsRestored) {
  const v1::BlobRef whole = PutConcept("whole");
  const v1::BlobRef damaged = PutConcept("damaged");
  const v1::BlobRef missing = PutConcept("missing");
  ASSERT_THAT(BackUp(data_, backup_, posix_), IsOk());
  FlipFirstByte(InBackup(damaged));
  fs::remove(InBackup(missing));
  const auto restored = Restore(backup_, restored_, posix_);
  ASSERT_THAT(restored, IsOk());
  EXPECT_EQ(restored->blobs, 1);
  EXPECT_EQ(restored->lost.size(), 2u);
  EXPECT_EQ(ConceptBlobs(restored_).size(), 3u) << "the rows of all are there";

  // A server that starts on it reports what is lost, and an upload of the same bytes repairs it.
  const auto database = SqliteDatabase::Open(restored_ + "/vico.db");
  ASSERT_THAT(database, IsOk());
  const auto objects = LocalObjects::Open(restored_ + "/blobs", posix_);
  ASSERT_THAT(objects, IsOk());
  const BlobParts parts = {**objects, **database, time_};
  TrackedBlobStore store(parts);
  const auto recovery = RecoverBlobs(parts);
  ASSERT_THAT(recovery, IsOk());
  EXPECT_EQ(recovery->lost.size(), 2u);
  EXPECT_THAT(GetBlob(store, "default", whole.sha256(), 100), IsOk());
  ASSERT_THAT(PutBlob(store, "default", "damaged", ""), IsOk());
  EXPECT_THAT(GetBlob(store, "default", damaged.sha256(), 100), IsOk());
}

TEST_F(BackupTest, ADamagedDatabaseIsNotRestoredAndLeavesAnEmptyFolder) {
  PutConcept("picture");
  ASSERT_THAT(BackUp(data_, backup_, posix_), IsOk());
  std::fstream file(backup_ + "/vico.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 3);
  file << std::string(4096 * 4, '\xee');
  file.close();
  EXPECT_THAT(Restore(backup_, restored_, posix_), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_TRUE(fs::is_empty(restored_));
}

}  // namespace
}  // namespace vico::server
