#include "server/blobs/blob_recovery.h"

#include <iterator>

#include "tests/server/blobs/blob_fixture.h"
#include "vico/v1/concept.pb.h"

namespace vico::server {
namespace {

/// The tests run in the source folder.
std::string FirstSchema() {
  std::ifstream file("server/sql/sqlite/001_jobs.sql");
  return {std::istreambuf_iterator<char>(file), {}};
}

class BlobRecoveryTest : public LocalBlobTest {
 protected:
  BlobRecovery Recover() {
    Open();
    const auto recovery = RecoverBlobs(Parts());
    EXPECT_THAT(recovery, IsOk());
    return recovery.value_or(BlobRecovery());
  }

  static v1::BlobRef RefOf(const std::string& bytes) {
    v1::BlobRef blob;
    blob.set_sha256(Sha256Hex(bytes));
    blob.set_size_bytes(bytes.size());
    return blob;
  }

  int FilesOf(const std::string& tenant) const {
    int files = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.path() + "/blobs/" + tenant)) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }
};

TEST_F(BlobRecoveryTest, KeepsIntactBlobs) {
  const v1::BlobRef blob = Put("hello");
  ASSERT_THAT(Name("concepts/1", {blob}), IsOk());
  const BlobRecovery recovery = Recover();
  EXPECT_EQ(recovery.adopted + recovery.deleted + recovery.forgotten, 0);
  EXPECT_TRUE(recovery.lost.empty());
  EXPECT_TRUE(IsHere(blob));
}

TEST_F(BlobRecoveryTest, FinishesADeletion) {
  const v1::BlobRef blob = Put("hello");
  const v1::BlobRef gone = Put("its file is gone already");
  ASSERT_THAT(Sql("INSERT INTO dead_object (object_key, tenant, remove_after) "
                  "SELECT object_key, tenant, 0 FROM blob; DELETE FROM blob"),
              IsOk());
  std::filesystem::remove(PathOf(gone));
  EXPECT_EQ(Recover().deleted, 2);
  EXPECT_FALSE(HasFile(blob));
  EXPECT_EQ(StateOf(blob), "none");
}

TEST_F(BlobRecoveryTest, AdoptsAFileWithoutARow) {
  PutObject("hello");
  EXPECT_FALSE(IsHere(RefOf("hello")));
  EXPECT_EQ(Recover().adopted, 1);
  EXPECT_TRUE(IsHere(RefOf("hello")));
}

TEST_F(BlobRecoveryTest, RemovesAFileThatAnUploadLeftBesideTheBlob) {
  const v1::BlobRef blob = Put("hello");
  PutObject("hello");
  EXPECT_EQ(FilesOf("default"), 2);
  const BlobRecovery recovery = Recover();
  EXPECT_EQ(recovery.adopted, 0);
  EXPECT_EQ(recovery.deleted, 1);
  EXPECT_EQ(FilesOf("default"), 1);
  EXPECT_EQ(*GetBlob(*store_, "default", blob.sha256(), 5), "hello");
}

TEST_F(BlobRecoveryTest, AdoptsAFileOfALostBlob) {
  const v1::BlobRef blob = Put("hello");
  std::filesystem::remove(PathOf(blob));
  PutObject("hello");
  EXPECT_EQ(Recover().adopted, 1);
  EXPECT_EQ(*GetBlob(*store_, "default", blob.sha256(), 5), "hello");
}

// As a server before schema 12 named files.
TEST_F(BlobRecoveryTest, ReadsTheFilesOfOlderServers) {
  const v1::BlobRef blob = Put("hello");
  const std::string old = PathOf(blob).substr(0, PathOf(blob).rfind('.'));
  std::filesystem::rename(PathOf(blob), old);
  ASSERT_THAT(Sql("UPDATE blob SET object_key = tenant || '/' || substr(sha256, 1, 2) || '/' || "
                  "sha256"),
              IsOk());
  const BlobRecovery recovery = Recover();
  EXPECT_EQ(recovery.adopted + recovery.deleted + recovery.forgotten, 0);
  EXPECT_EQ(*GetBlob(*store_, "default", blob.sha256(), 5), "hello");
  Put("hello");
  EXPECT_FALSE(std::filesystem::exists(old)) << "a new upload replaces it";
  EXPECT_EQ(*GetBlob(*store_, "default", blob.sha256(), 5), "hello");
}

TEST_F(BlobRecoveryTest, ReportsALostBlobWithItsUsersAtEveryStart) {
  const v1::BlobRef lost = Put("hello");
  const v1::BlobRef cut = Put("another");
  const v1::BlobRef unnamed = Put("nobody's");
  ASSERT_THAT(Name("jobs/1", {lost}), IsOk());
  ASSERT_THAT(Name("adapters/1", {lost, cut}), IsOk());
  std::filesystem::remove(PathOf(lost));
  std::filesystem::remove(PathOf(unnamed));
  std::filesystem::resize_file(PathOf(cut), 3);
  const BlobRecovery first = Recover();
  EXPECT_EQ(first.forgotten, 3);
  const BlobRecovery second = Recover();
  EXPECT_EQ(second.forgotten, 0);
  for (const BlobRecovery& recovery : {first, second}) {
    ASSERT_EQ(recovery.lost.size(), 2u);
    for (const LostBlob& blob : recovery.lost) {
      if (blob.sha256 == lost.sha256()) {
        EXPECT_THAT(blob.users, testing::UnorderedElementsAre("jobs/1", "adapters/1"));
      } else {
        EXPECT_EQ(blob.sha256, cut.sha256());
        EXPECT_THAT(blob.users, testing::ElementsAre("adapters/1"));
      }
    }
  }
  EXPECT_FALSE(HasFile(cut));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() + "/quarantine/default-" + cut.sha256()));
  Put("hello");
  Put("another");
  EXPECT_TRUE(Recover().lost.empty()) << "an upload repairs it";
}

TEST_F(BlobRecoveryTest, RemovesUnfinishedUploads) {
  const auto writer = store_->Create("default");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT((*writer)->Append("hel"), IsOk());
  const std::string incoming = folder_.path() + "/blobs/.incoming";
  ASSERT_FALSE(std::filesystem::is_empty(incoming));
  EXPECT_EQ(Recover().adopted, 0);
  EXPECT_TRUE(std::filesystem::is_empty(incoming));
}

// Schema 1 had no rows and no references of blobs.
TEST_F(BlobRecoveryTest, AddsRowsAndReferencesToADatabaseOfSchema1) {
  PutObject("a picture");
  PutObject("nobody's");
  const v1::BlobRef named = RefOf("a picture");
  const v1::BlobRef unnamed = RefOf("nobody's");
  database_.reset();
  const std::string path = folder_.path() + "/vico.db";
  std::filesystem::remove(path);
  {
    const auto old = SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite);
    ASSERT_THAT(old, IsOk());
    ASSERT_THAT((*old)->Script(FirstSchema().c_str()), IsOk());
    v1::Concept uploaded;
    *uploaded.add_pictures()->mutable_blob() = named;
    const std::string bytes = uploaded.SerializeAsString();
    ASSERT_THAT((*old)->Execute("INSERT INTO concept (name, tenant, message) VALUES (?, ?, ?)",
                                {"concepts/1", "default", Bytes{bytes}}),
                IsOk());
    ASSERT_THAT((*old)->Script("PRAGMA user_version = 1"), IsOk());
  }
  EXPECT_EQ(Recover().adopted, 2);
  EXPECT_TRUE(IsHere(named));
  std::vector<std::string> users;
  ASSERT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(users, UsersOfBlob(db, "default", named.sha256()));
    ASSIGN_OR_RETURN(const auto others, UsersOfBlob(db, "default", unnamed.sha256()));
    EXPECT_TRUE(others.empty());
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_THAT(users, testing::ElementsAre("concepts/1"));
}

}  // namespace
}  // namespace vico::server
