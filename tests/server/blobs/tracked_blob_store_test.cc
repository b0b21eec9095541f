// Blobs with rows: upload, reference, deletion and garbage collection.
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/blobs/blob_garbage_collector.h"
#include "tests/server/blobs/blob_fixture.h"

namespace vico::server {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

class TrackedBlobStoreTest : public BlobTest {
 protected:
  int Collect() {
    BlobGarbageCollector collector(*database_, *files_, time_, kDay);
    const auto collected = collector.Turn(100);
    EXPECT_THAT(collected, IsOk());
    return collected.value_or(-1);
  }
};

TEST_F(TrackedBlobStoreTest, EveryReferenceIsAnExistingColumn) {
  for (const BlobReference& reference : BlobReferences()) {
    const std::string sql = "SELECT tenant, " + std::string(reference.sha256_column) + ", " +
                            std::string(reference.user_column) + " FROM " +
                            std::string(reference.table) + " LIMIT 0";
    EXPECT_THAT(Sql(sql.c_str()), IsOk()) << reference.table;
  }
}

TEST_F(TrackedBlobStoreTest, ReturnsTheUsersOfABlob) {
  const v1::BlobRef blob = Put("hello");
  ASSERT_THAT(Name("concepts/1", {blob, blob}), IsOk());
  ASSERT_THAT(Name("jobs/2", {blob}), IsOk());
  std::vector<std::string> users;
  ASSERT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(users, UsersOfBlob(db, "default", blob.sha256()));
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_THAT(users, testing::UnorderedElementsAre("concepts/1", "jobs/2"));
}

TEST_F(TrackedBlobStoreTest, ABlobExistsWhileItsRowIsLive) {
  const v1::BlobRef blob = Put("hello");
  EXPECT_EQ(StateOf(blob), "live");
  EXPECT_EQ(*GetBlob(*store_, "default", blob.sha256(), 5), "hello");
  ASSERT_THAT(Sql("UPDATE blob SET state = 'deleting'"), IsOk());
  EXPECT_TRUE(HasFile(blob));
  EXPECT_THAT(store_->Open("default", blob.sha256()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_->Size("default", blob.sha256()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(CheckBlob(*store_, "default", blob), HasReason("BLOB_MISSING"));
}

TEST_F(TrackedBlobStoreTest, ADeletingBlobCannotBeReferencedUntilUploadedAgain) {
  const v1::BlobRef blob = Put("hello");
  ASSERT_THAT(Sql("UPDATE blob SET state = 'deleting'"), IsOk());
  EXPECT_THAT(Name("concepts/1", {blob}), HasReason("BLOB_MISSING"));
  Put("hello");
  EXPECT_THAT(Name("concepts/1", {blob}), IsOk());
  EXPECT_THAT(FinishDeletion(*database_, *files_, "default", blob.sha256()), IsOk());
  EXPECT_TRUE(HasFile(blob)) << "the row is live again";
}

TEST_F(TrackedBlobStoreTest, RefusesAReferenceWithAnotherSize) {
  v1::BlobRef blob = Put("hello");
  blob.set_size_bytes(6);
  EXPECT_THAT(Name("concepts/1", {blob}), HasReason("BLOB_MISSING"));
}

// An earlier blob of the same bytes is deleted between the rename and the insertion of the row.
TEST_F(TrackedBlobStoreTest, AnUploadWhoseFileIsDeletedIsUnavailable) {
  v1::BlobRef blob;
  blob.set_sha256(Sha256Hex("hello"));
  const auto writer = store_->Create("default");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT((*writer)->Append("hello"), IsOk());
  absl::StatusOr<v1::BlobRef> committed;
  std::thread upload;
  ASSERT_THAT(database_->Write([&](SqlSession&) -> absl::Status {
    upload = std::thread([&] { committed = (*writer)->Commit("", ""); });
    while (!HasFile(blob)) std::this_thread::yield();  // its row waits for this transaction
    return files_->Remove("default", blob.sha256());
  }),
              IsOk());
  upload.join();
  EXPECT_THAT(committed, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(StateOf(blob), "none");
}

TEST_F(TrackedBlobStoreTest, CollectsAnUnreferencedBlobAfterADay) {
  const v1::BlobRef blob = Put("hello");
  clock_.Advance(kDay);
  EXPECT_EQ(Collect(), 0);
  EXPECT_TRUE(IsHere(blob));
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(Collect(), 1);
  EXPECT_FALSE(HasFile(blob));
  EXPECT_EQ(StateOf(blob), "none");
}

TEST_F(TrackedBlobStoreTest, TheAgeCountsFromTheLastLostReference) {
  const v1::BlobRef blob = Put("hello");
  ASSERT_THAT(Name("concepts/1", {blob}), IsOk());
  ASSERT_THAT(Name("adapters/1", {blob}), IsOk());
  clock_.Advance(10 * kDay);
  ASSERT_THAT(Unname("concepts/1"), IsOk());
  EXPECT_EQ(Collect(), 0);
  clock_.Advance(10 * kDay);
  ASSERT_THAT(Unname("adapters/1"), IsOk());
  clock_.Advance(kDay);
  EXPECT_EQ(Collect(), 0);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Collect(), 1);
}

TEST_F(TrackedBlobStoreTest, AnotherUploadRestartsTheAge) {
  const v1::BlobRef blob = Put("hello");
  clock_.Advance(kDay);
  Put("hello");
  clock_.Advance(kDay);
  EXPECT_EQ(Collect(), 0);
  EXPECT_TRUE(IsHere(blob));
}

TEST_F(TrackedBlobStoreTest, KeepsABlobUploadedDuringARunningJob) {
  ASSERT_THAT(Sql(R"sql(
    INSERT INTO tenant (name) VALUES ('default');
    INSERT INTO job (name, tenant, kind, state, base_model, spec, create_time, attempt, failures,
                     crashes, cancel_requested, not_before, report_number, step, total_steps,
                     last_sequence, pictures, lease_id, lease_until, start_time)
    VALUES ('jobs/1', 'default', 'training', 'running', 'b', x'', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
            x'', 'lease_1', 0, 0))sql"),
              IsOk());
  const v1::BlobRef blob = Put("a checkpoint on its way");
  const v1::BlobRef theirs = Put("another tenant's", "other");
  clock_.Advance(2 * kDay);
  EXPECT_EQ(Collect(), 1);
  EXPECT_TRUE(IsHere(blob));
  EXPECT_FALSE(std::filesystem::exists(PathOf(theirs, "other")));
  ASSERT_THAT(Sql("UPDATE job SET state = 'queued', lease_id = NULL, lease_until = NULL"), IsOk());
  EXPECT_EQ(Collect(), 1);
  EXPECT_FALSE(HasFile(blob));
}

TEST_F(TrackedBlobStoreTest, RemovesTheFileOnlyAfterDeletingIsDurable) {
  const v1::BlobRef blob = Put("hello");
  clock_.Advance(2 * kDay);
  // The transaction that marks the blob fails, so the file must stay.
  ASSERT_THAT(Sql("CREATE TRIGGER stop BEFORE UPDATE OF state ON blob WHEN new.state = 'deleting' "
                  "BEGIN SELECT RAISE(ABORT, 'no'); END"),
              IsOk());
  BlobGarbageCollector collector(*database_, *files_, time_, kDay);
  EXPECT_FALSE(collector.Turn(100).ok());
  EXPECT_TRUE(HasFile(blob));
  EXPECT_TRUE(IsHere(blob));
  ASSERT_THAT(Sql("DROP TRIGGER stop"), IsOk());
  EXPECT_EQ(Collect(), 1);
  EXPECT_FALSE(HasFile(blob));
}

TEST_F(TrackedBlobStoreTest, ATurnObeysItsLimit) {
  for (int i = 0; i < 5; ++i) Put(std::to_string(i));
  clock_.Advance(2 * kDay);
  BlobGarbageCollector collector(*database_, *files_, time_, kDay);
  EXPECT_EQ(*collector.Turn(3), 3);
  EXPECT_EQ(*collector.Turn(3), 2);
  EXPECT_EQ(*collector.Turn(3), 0);
}

TEST_F(TrackedBlobStoreTest, RemoveLeavesNothing) {
  const v1::BlobRef blob = Put("hello");
  ASSERT_THAT(store_->Remove("default", blob.sha256()), IsOk());
  EXPECT_FALSE(HasFile(blob));
  EXPECT_EQ(StateOf(blob), "none");
  EXPECT_THAT(store_->Remove("default", blob.sha256()), IsOk());
}

class ByteQuotaTest : public TrackedBlobStoreTest {
 protected:
  ByteQuotaTest() {
    store_ = std::make_unique<TrackedBlobStore>(*files_, *database_, time_, kQuota);
  }

  absl::StatusOr<v1::BlobRef> Try(const std::string& bytes, const std::string& tenant = "default") {
    return PutBlob(*store_, tenant, bytes, "");
  }

  size_t Files() const {
    size_t files = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.path() + "/blobs")) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }

  int Collect() {
    BlobGarbageCollector collector(*database_, *files_, time_, kDay, kQuota);
    const auto collected = collector.Turn(100);
    EXPECT_THAT(collected, IsOk());
    return collected.value_or(-1);
  }

  static constexpr TenantQuota kQuota{.bytes = 10, .adapters = 0};
};

TEST_F(ByteQuotaTest, ATenantStoresUpToItsQuotaAndNoFileOfARefusedBlobStays) {
  EXPECT_THAT(Try("123456"), IsOk());
  EXPECT_THAT(Try("abcde"), HasReason("QUOTA_EXCEEDED"));
  EXPECT_THAT(Try("abcde"), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Files(), 1u);
  EXPECT_THAT(Try("abcd"), IsOk());
  EXPECT_EQ(Files(), 2u);
  EXPECT_THAT(Try("x"), HasReason("QUOTA_EXCEEDED"));
}

TEST_F(ByteQuotaTest, BytesThatTheTenantHasCostNothing) {
  EXPECT_THAT(Try("123456"), IsOk());
  EXPECT_THAT(Try("123456"), IsOk());
  EXPECT_THAT(Try("abcd"), IsOk());
  EXPECT_THAT(Try("abcd"), IsOk());
}

TEST_F(ByteQuotaTest, BytesThatAreBeingDeletedCountOnce) {
  EXPECT_THAT(Try("123456"), IsOk());
  EXPECT_THAT(Try("abcd"), IsOk());
  ASSERT_THAT(Sql("UPDATE blob SET state = 'deleting'"), IsOk());
  EXPECT_THAT(Try("123456"), IsOk());
  EXPECT_THAT(Try("x"), HasReason("QUOTA_EXCEEDED"));
}

TEST_F(ByteQuotaTest, TenantsAndTheSystemHaveTheirOwnRoom) {
  EXPECT_THAT(Try("1234567890"), IsOk());
  EXPECT_THAT(Try("1234567890", "other"), IsOk());
  EXPECT_THAT(Try("x", "other"), HasReason("QUOTA_EXCEEDED"));
  EXPECT_THAT(Try("a tokenizer of more than ten bytes", "system"), IsOk());
}

TEST_F(ByteQuotaTest, ATenantAboveALoweredQuotaStoresNothing) {
  store_ = std::make_unique<TrackedBlobStore>(*files_, *database_, time_);
  Put("more than ten bytes");
  store_ = std::make_unique<TrackedBlobStore>(*files_, *database_, time_, kQuota);
  EXPECT_THAT(store_->Create("default"), HasReason("QUOTA_EXCEEDED"));
}

TEST_F(ByteQuotaTest, RemovedBlobsGiveRoom) {
  const v1::BlobRef blob = Put("1234567890");
  ASSERT_THAT(store_->Remove("default", blob.sha256()), IsOk());
  EXPECT_THAT(Try("abcdefghij"), IsOk());
}

TEST_F(ByteQuotaTest, TheGarbageOfAFullTenantIsCollectedAfterTenMinutes) {
  Put("1234567890");
  Put("123", "other");
  clock_.Advance(absl::Minutes(10));
  EXPECT_EQ(Collect(), 0);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(Collect(), 1);
  EXPECT_THAT(Try("abcdefghij"), IsOk());
}

TEST_F(ByteQuotaTest, ParallelUploadsStayWithinTheQuota) {
  std::vector<std::thread> uploads;
  std::atomic<int> stored{0};
  uploads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    uploads.emplace_back([&, i] {
      const auto blob = Try(std::string(3, static_cast<char>('a' + i)));
      if (blob.ok()) {
        ++stored;
      } else {
        EXPECT_THAT(blob, HasReason("QUOTA_EXCEEDED"));
      }
    });
  }
  for (std::thread& upload : uploads) upload.join();
  EXPECT_EQ(stored, 3);
  EXPECT_EQ(Files(), 3u);
}

}  // namespace
}  // namespace vico::server
