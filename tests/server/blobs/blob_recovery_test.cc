#include "server/blobs/blob_recovery.h"

#include <iterator>

#include "tests/server/blobs/blob_fixture.h"
#include "vico/v1/concept.pb.h"

namespace vico::server {
namespace {

/// The tests run in the source folder.
std::string FirstSchema() {
  std::ifstream file("server/sql/001_jobs.sqlite.sql");
  return {std::istreambuf_iterator<char>(file), {}};
}

class BlobRecoveryTest : public BlobTest {
 protected:
  BlobRecovery Recover() {
    Open();
    const auto recovery = RecoverBlobs(*database_, *files_, time_);
    EXPECT_THAT(recovery, IsOk());
    return recovery.value_or(BlobRecovery());
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
  ASSERT_THAT(Sql("UPDATE blob SET state = 'deleting'"), IsOk());
  std::filesystem::remove(PathOf(gone));
  EXPECT_EQ(Recover().deleted, 2);
  EXPECT_FALSE(HasFile(blob));
  EXPECT_EQ(StateOf(blob), "none");
  EXPECT_EQ(StateOf(gone), "none");
}

TEST_F(BlobRecoveryTest, AdoptsAFileWithoutARow) {
  const auto blob = PutBlob(*files_, "default", "hello", "");
  ASSERT_THAT(blob, IsOk());
  EXPECT_FALSE(IsHere(*blob));
  EXPECT_EQ(Recover().adopted, 1);
  EXPECT_TRUE(IsHere(*blob));
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
  const auto writer = files_->Create("default");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT((*writer)->Append("hel"), IsOk());
  const std::string incoming = folder_.path() + "/blobs/.incoming";
  ASSERT_FALSE(std::filesystem::is_empty(incoming));
  EXPECT_EQ(Recover().adopted, 0);
  EXPECT_TRUE(std::filesystem::is_empty(incoming));
}

// Schema 1 had no rows and no references of blobs.
TEST_F(BlobRecoveryTest, AddsRowsAndReferencesToADatabaseOfSchema1) {
  const auto named = PutBlob(*files_, "default", "a picture", "image/png");
  const auto unnamed = PutBlob(*files_, "default", "nobody's", "");
  ASSERT_THAT(named, IsOk());
  ASSERT_THAT(unnamed, IsOk());
  database_.reset();
  const std::string path = folder_.path() + "/vico.db";
  std::filesystem::remove(path);
  {
    const auto old = SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite);
    ASSERT_THAT(old, IsOk());
    ASSERT_THAT((*old)->Script(FirstSchema().c_str()), IsOk());
    v1::Concept uploaded;
    *uploaded.add_pictures()->mutable_blob() = *named;
    const std::string bytes = uploaded.SerializeAsString();
    ASSERT_THAT((*old)->Execute("INSERT INTO concept (name, tenant, message) VALUES (?, ?, ?)",
                                {"concepts/1", "default", Bytes{bytes}}),
                IsOk());
    ASSERT_THAT((*old)->Script("PRAGMA user_version = 1"), IsOk());
  }
  EXPECT_EQ(Recover().adopted, 2);
  EXPECT_TRUE(IsHere(*named));
  std::vector<std::string> users;
  ASSERT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(users, UsersOfBlob(db, "default", named->sha256()));
    ASSIGN_OR_RETURN(const auto others, UsersOfBlob(db, "default", unnamed->sha256()));
    EXPECT_TRUE(others.empty());
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_THAT(users, testing::ElementsAre("concepts/1"));
}

}  // namespace
}  // namespace vico::server
