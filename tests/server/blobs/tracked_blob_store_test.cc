// Blobs with rows: upload, reference, deletion and garbage collection.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/blobs/blob_garbage_collector.h"
#include "server/blobs/dead_objects.h"
#include "tests/server/blobs/blob_fixture.h"

namespace vico::server {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

class TrackedBlobStoreTest : public BlobTest {
 protected:
  int Collect() {
    BlobGarbageCollector collector(Parts(), kDay);
    const auto collected = collector.Turn(100);
    EXPECT_THAT(collected, IsOk());
    return collected.value_or(-1);
  }
};

TEST_P(TrackedBlobStoreTest, EveryReferenceIsAnExistingColumn) {
  for (const BlobReference& reference : BlobReferences()) {
    const std::string sql = "SELECT tenant, " + std::string(reference.sha256_column) + ", " +
                            std::string(reference.user_column) + " FROM " +
                            std::string(reference.table) + " LIMIT 0";
    EXPECT_THAT(Sql(sql.c_str()), IsOk()) << reference.table;
  }
}

TEST_P(TrackedBlobStoreTest, ReturnsTheUsersOfABlob) {
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

TEST_P(TrackedBlobStoreTest, ABlobExistsWhileItsRowIsLive) {
  const v1::BlobRef blob = Put("hello");
  EXPECT_EQ(StateOf(blob), "live");
  EXPECT_EQ(*GetBlob(*store_, "default", blob.sha256(), 5), "hello");
  ASSERT_THAT(Sql("UPDATE blob SET state = 'deleting'"), IsOk());
  EXPECT_TRUE(HasObject(blob));
  EXPECT_THAT(store_->Open("default", blob.sha256()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_->Size("default", blob.sha256()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(CheckBlob(*store_, "default", blob), HasReason("BLOB_MISSING"));
}

TEST_P(TrackedBlobStoreTest, ADeletingBlobCannotBeReferencedUntilUploadedAgain) {
  const v1::BlobRef blob = Put("hello");
  ASSERT_THAT(Sql("UPDATE blob SET state = 'deleting'"), IsOk());
  EXPECT_THAT(Name("concepts/1", {blob}), HasReason("BLOB_MISSING"));
  Put("hello");
  EXPECT_THAT(Name("concepts/1", {blob}), IsOk());
  EXPECT_THAT(RemoveDueObjects(Parts(), 10), IsOk());
  EXPECT_TRUE(IsHere(blob)) << "the row is live again, with an object of its own";
}

TEST_P(TrackedBlobStoreTest, RefusesAReferenceWithAnotherSize) {
  v1::BlobRef blob = Put("hello");
  blob.set_size_bytes(6);
  EXPECT_THAT(Name("concepts/1", {blob}), HasReason("BLOB_MISSING"));
}

// A deletion that comes late cannot hit an upload of the same bytes.
TEST_P(TrackedBlobStoreTest, EveryUploadHasAnObjectOfItsOwn) {
  const v1::BlobRef blob = Put("hello");
  const std::vector<std::string> first = Keys();
  ASSERT_THAT(store_->Remove("default", blob.sha256()), IsOk());
  Put("hello");
  ASSERT_EQ(Keys().size(), 1u);
  EXPECT_NE(Keys(), first);
}

TEST_P(TrackedBlobStoreTest, ObjectsOfDeletedBlobsAreKeptForTheGrace) {
  BlobParts parts = {*objects_, *database_, time_, absl::Hours(7)};
  const v1::BlobRef blob = Put("hello");
  clock_.Advance(2 * kDay);
  BlobGarbageCollector collector(parts, kDay);
  EXPECT_EQ(*collector.Turn(100), 1);
  EXPECT_FALSE(IsHere(blob));
  clock_.Advance(absl::Hours(7) - absl::Microseconds(1));
  EXPECT_EQ(*collector.Turn(100), 0);
  EXPECT_TRUE(HasObject(blob));
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(*collector.Turn(100), 0);
  EXPECT_FALSE(HasObject(blob));
}

// As after a crash between the removal of the row and that of the object.
TEST_P(TrackedBlobStoreTest, ARemovalThatWasBegunIsRepeated) {
  const v1::BlobRef blob = Put("hello");
  ASSERT_THAT(Sql("INSERT INTO dead_object (object_key, tenant, remove_after, claimed) "
                  "SELECT object_key, tenant, 0, 1 FROM blob; DELETE FROM blob"),
              IsOk());
  ASSERT_TRUE(HasObject(blob));
  EXPECT_EQ(Collect(), 0);
  EXPECT_FALSE(HasObject(blob));
}

TEST_P(TrackedBlobStoreTest, CollectsAnUnreferencedBlobAfterADay) {
  const v1::BlobRef blob = Put("hello");
  clock_.Advance(kDay);
  EXPECT_EQ(Collect(), 0);
  EXPECT_TRUE(IsHere(blob));
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(Collect(), 1);
  EXPECT_FALSE(HasObject(blob));
  EXPECT_EQ(StateOf(blob), "none");
}

TEST_P(TrackedBlobStoreTest, TheAgeCountsFromTheLastLostReference) {
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

TEST_P(TrackedBlobStoreTest, AnotherUploadRestartsTheAge) {
  const v1::BlobRef blob = Put("hello");
  clock_.Advance(kDay);
  Put("hello");
  clock_.Advance(kDay);
  EXPECT_EQ(Collect(), 0);
  EXPECT_TRUE(IsHere(blob));
}

TEST_P(TrackedBlobStoreTest, KeepsABlobUploadedDuringARunningJob) {
  ASSERT_THAT(Sql("INSERT INTO tenant (name) VALUES ('default')"), IsOk());
  ASSERT_THAT(database_->Write([](SqlSession& db) {
    return db
        .Execute(
            "INSERT INTO job (name, tenant, kind, state, base_model, spec, create_time, "
            "attempt, failures, crashes, cancel_requested, not_before, report_number, step, "
            "total_steps, last_sequence, pictures, lease_id, lease_until, start_time) "
            "VALUES ('jobs/1', 'default', 'training', 'running', 'b', ?1, 0, 1, 0, 0, 0, 0, "
            "0, 0, 0, 0, ?1, 'lease_1', 0, 0)",
            {Bytes{""}})
        .status();
  }),
              IsOk());
  const v1::BlobRef blob = Put("a checkpoint on its way");
  const v1::BlobRef theirs = Put("another tenant's", "other");
  clock_.Advance(2 * kDay);
  EXPECT_EQ(Collect(), 1);
  EXPECT_TRUE(IsHere(blob));
  EXPECT_FALSE(HasObject(theirs));
  ASSERT_THAT(Sql("UPDATE job SET state = 'queued', lease_id = NULL, lease_until = NULL"), IsOk());
  EXPECT_EQ(Collect(), 1);
  EXPECT_FALSE(HasObject(blob));
}

TEST_P(TrackedBlobStoreTest, ATurnObeysItsLimit) {
  for (int i = 0; i < 5; ++i) Put(std::to_string(i));
  clock_.Advance(2 * kDay);
  BlobGarbageCollector collector(Parts(), kDay);
  EXPECT_EQ(*collector.Turn(3), 3);
  EXPECT_EQ(*collector.Turn(3), 2);
  EXPECT_EQ(*collector.Turn(3), 0);
}

// Names and collects the same blobs from many threads: a named blob is never collected.
TEST_P(TrackedBlobStoreTest, ABlobThatIsBeingNamedIsNotCollected) {
  std::vector<v1::BlobRef> blobs;
  for (int i = 0; i < 24; ++i) blobs.push_back(Put("blob " + std::to_string(i)));
  clock_.Advance(2 * kDay);
  std::vector<absl::Status> named(blobs.size());
  std::thread namer([&] {
    for (size_t i = 0; i < blobs.size(); ++i) {
      named[i] = Name("concepts/" + std::to_string(i), {blobs[i]});
    }
  });
  for (int turn = 0; turn < 12; ++turn) {
    BlobGarbageCollector collector(Parts(), kDay);
    EXPECT_THAT(collector.Turn(2), IsOk());
  }
  namer.join();
  for (size_t i = 0; i < blobs.size(); ++i) {
    EXPECT_EQ(named[i].ok(), IsHere(blobs[i])) << i << " " << named[i];
  }
}

TEST_P(TrackedBlobStoreTest, ADeletedTenantLeavesNoObjects) {
  const v1::BlobRef theirs = Put("hello", "acme");
  const v1::BlobRef ours = Put("hello", "other");
  ASSERT_THAT(Sql("INSERT INTO tenant (name, state) VALUES ('acme', 'deleting')"), IsOk());
  ASSERT_THAT(store_->RemoveTenant("acme"), IsOk());
  EXPECT_EQ(Keys().size(), 1u);
  EXPECT_THAT(store_->Open("acme", theirs.sha256()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_->Open("other", ours.sha256()), IsOk());
  EXPECT_THAT(store_->Create("acme"), HasReason("TENANT_DELETED"));
}

TEST_P(TrackedBlobStoreTest, AnUploadOfATenantThatIsDeletedMeanwhileLeavesNothing) {
  const auto writer = store_->Create("acme");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT((*writer)->Append("hello"), IsOk());
  ASSERT_THAT(Sql("INSERT INTO tenant (name, state) VALUES ('acme', 'deleting')"), IsOk());
  ASSERT_THAT(store_->RemoveTenant("acme"), IsOk());
  EXPECT_THAT((*writer)->Commit("", ""), HasReason("TENANT_DELETED"));
  EXPECT_TRUE(Keys().empty());
}

TEST_P(TrackedBlobStoreTest, RemoveLeavesNothing) {
  const v1::BlobRef blob = Put("hello");
  ASSERT_THAT(store_->Remove("default", blob.sha256()), IsOk());
  EXPECT_FALSE(HasObject(blob));
  EXPECT_EQ(StateOf(blob), "none");
  EXPECT_THAT(store_->Remove("default", blob.sha256()), IsOk());
}

using LocalTrackedBlobStoreTest = LocalBlobTest;

TEST_F(LocalTrackedBlobStoreTest, RemovesTheFileOnlyAfterTheRowIsGoneDurably) {
  const v1::BlobRef blob = Put("hello");
  clock_.Advance(2 * kDay);
  // The transaction that deletes the row fails, so the file must stay.
  ASSERT_THAT(Sql("CREATE TRIGGER stop BEFORE DELETE ON blob "
                  "BEGIN SELECT RAISE(ABORT, 'no'); END"),
              IsOk());
  BlobGarbageCollector collector(Parts(), kDay);
  EXPECT_FALSE(collector.Turn(100).ok());
  EXPECT_TRUE(HasFile(blob));
  EXPECT_TRUE(IsHere(blob));
  ASSERT_THAT(Sql("DROP TRIGGER stop"), IsOk());
  EXPECT_EQ(*collector.Turn(100), 1);
  EXPECT_FALSE(HasFile(blob));
}

class ByteQuotaTest : public TrackedBlobStoreTest {
 protected:
  ByteQuotaTest() { store_ = std::make_unique<TrackedBlobStore>(Parts(), kQuota); }

  absl::StatusOr<v1::BlobRef> Try(const std::string& bytes, const std::string& tenant = "default") {
    return PutBlob(*store_, tenant, bytes, "");
  }

  size_t Objects() const { return Keys().size(); }

  int Collect() {
    BlobGarbageCollector collector(Parts(), kDay, kQuota);
    const auto collected = collector.Turn(100);
    EXPECT_THAT(collected, IsOk());
    return collected.value_or(-1);
  }

  static constexpr TenantQuota kQuota{.bytes = 10, .adapters = 0};
};

TEST_P(ByteQuotaTest, ATenantStoresUpToItsQuotaAndNoFileOfARefusedBlobStays) {
  EXPECT_THAT(Try("123456"), IsOk());
  EXPECT_THAT(Try("abcde"), HasReason("QUOTA_EXCEEDED"));
  EXPECT_THAT(Try("abcde"), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Objects(), 1u);
  EXPECT_THAT(Try("abcd"), IsOk());
  EXPECT_EQ(Objects(), 2u);
  EXPECT_THAT(Try("x"), HasReason("QUOTA_EXCEEDED"));
}

TEST_P(ByteQuotaTest, BytesThatTheTenantHasCostNothing) {
  EXPECT_THAT(Try("123456"), IsOk());
  EXPECT_THAT(Try("123456"), IsOk());
  EXPECT_THAT(Try("abcd"), IsOk());
  EXPECT_THAT(Try("abcd"), IsOk());
}

TEST_P(ByteQuotaTest, BytesThatAreBeingDeletedCountOnce) {
  EXPECT_THAT(Try("123456"), IsOk());
  EXPECT_THAT(Try("abcd"), IsOk());
  ASSERT_THAT(Sql("UPDATE blob SET state = 'deleting'"), IsOk());
  EXPECT_THAT(Try("123456"), IsOk());
  EXPECT_THAT(Try("x"), HasReason("QUOTA_EXCEEDED"));
}

TEST_P(ByteQuotaTest, TenantsAndTheSystemHaveTheirOwnRoom) {
  EXPECT_THAT(Try("1234567890"), IsOk());
  EXPECT_THAT(Try("1234567890", "other"), IsOk());
  EXPECT_THAT(Try("x", "other"), HasReason("QUOTA_EXCEEDED"));
  EXPECT_THAT(Try("a tokenizer of more than ten bytes", "system"), IsOk());
}

TEST_P(ByteQuotaTest, ATenantAboveALoweredQuotaStoresNothing) {
  store_ = std::make_unique<TrackedBlobStore>(Parts());
  Put("more than ten bytes");
  store_ = std::make_unique<TrackedBlobStore>(Parts(), kQuota);
  EXPECT_THAT(store_->Create("default"), HasReason("QUOTA_EXCEEDED"));
}

TEST_P(ByteQuotaTest, RemovedBlobsGiveRoom) {
  const v1::BlobRef blob = Put("1234567890");
  ASSERT_THAT(store_->Remove("default", blob.sha256()), IsOk());
  EXPECT_THAT(Try("abcdefghij"), IsOk());
}

TEST_P(ByteQuotaTest, TheGarbageOfAFullTenantIsCollectedAfterTenMinutes) {
  Put("1234567890");
  Put("123", "other");
  clock_.Advance(absl::Minutes(10));
  EXPECT_EQ(Collect(), 0);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(Collect(), 1);
  EXPECT_THAT(Try("abcdefghij"), IsOk());
}

TEST_P(ByteQuotaTest, ParallelUploadsStayWithinTheQuota) {
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
  EXPECT_EQ(Objects(), 3u);
}

INSTANTIATE_TEST_SUITE_P(Backends, TrackedBlobStoreTest, BlobBackends(), BlobBackendName);
INSTANTIATE_TEST_SUITE_P(Backends, ByteQuotaTest, BlobBackends(), BlobBackendName);

}  // namespace
}  // namespace vico::server
