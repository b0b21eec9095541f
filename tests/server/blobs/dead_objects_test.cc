// Objects that no blob names: announced uploads, and removals by several collectors.
#include "server/blobs/dead_objects.h"

#include <atomic>
#include <thread>

#include "server/blobs/blob_garbage_collector.h"
#include "tests/server/blobs/blob_fixture.h"

namespace vico::server {
namespace {

using DeadObjectsTest = BlobTest;

TEST_P(DeadObjectsTest, AnAnnouncedObjectThatNothingNamesGoesAfterADay) {
  const std::string key = PutObject("hello");
  ASSERT_THAT(AnnounceObject(Parts(), key), IsOk());
  clock_.Advance(kLongestUpload - absl::Microseconds(1));
  EXPECT_EQ(*RemoveDueObjects(Parts(), 10), 0);
  EXPECT_EQ(Keys().size(), 1u);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(*RemoveDueObjects(Parts(), 10), 1);
  EXPECT_EQ(Keys().size(), 0u);
  EXPECT_EQ(Count("SELECT count(*) FROM dead_object"), 0);
}

// The collector has read the row, and then the upload that was so slow ends.
TEST_P(DeadObjectsTest, AnObjectThatIsBeingRemovedGetsNoName) {
  const std::string key = PutObject("hello");
  ASSERT_THAT(AnnounceObject(Parts(), key), IsOk());
  ASSERT_THAT(Sql("UPDATE dead_object SET claimed = 1"), IsOk());
  EXPECT_THAT(database_->Write([&](SqlSession& db) { return ClaimAnnounced(db, key); }),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(Count("SELECT count(*) FROM dead_object"), 1);
}

TEST_P(DeadObjectsTest, ARowThatIsNoKeyHoldsNothingUp) {
  const std::string key = PutObject("hello");
  ASSERT_THAT(AnnounceObject(Parts(), key), IsOk());
  ASSERT_THAT(Sql("INSERT INTO dead_object (object_key, tenant, remove_after) "
                  "VALUES ('../x', 'acme', 0)"),
              IsOk());
  clock_.Advance(kLongestUpload);
  EXPECT_EQ(*RemoveDueObjects(Parts(), 10), 2);
  EXPECT_EQ(Keys().size(), 0u);
}

TEST_P(DeadObjectsTest, AnUploadLeavesNoAnnouncement) {
  Put("hello");
  EXPECT_EQ(Count("SELECT count(*) FROM dead_object"), 0);
}

// As when the leader changes: the old one has not noticed yet.
TEST_P(DeadObjectsTest, TwoCollectorsAtOnceDeleteEachBlobOnce) {
  for (int i = 0; i < 20; ++i) Put("blob " + std::to_string(i));
  clock_.Advance(absl::Hours(48));
  std::atomic<int> deleted{0};
  std::vector<std::thread> collectors;
  for (int i = 0; i < 2; ++i) {
    collectors.emplace_back([&] {
      BlobGarbageCollector collector(Parts(), absl::Hours(24));
      for (int turn = 0; turn < 4; ++turn) {
        const auto count = collector.Turn(7);
        EXPECT_THAT(count, IsOk());
        deleted += count.value_or(0);
      }
    });
  }
  for (std::thread& collector : collectors) collector.join();
  EXPECT_EQ(deleted, 20);
  EXPECT_THAT(RemoveDueObjects(Parts(), 100), IsOk());
  EXPECT_EQ(Keys().size(), 0u);
  EXPECT_EQ(Count("SELECT count(*) FROM dead_object"), 0);
}

TEST_P(DeadObjectsTest, ManyUploadsOfTheSameBytesLeaveOneObject) {
  std::vector<std::thread> uploads;
  for (int i = 0; i < 6; ++i) {
    uploads.emplace_back([&] {
      for (int j = 0; j < 3; ++j) Put("the same bytes");
    });
  }
  for (std::thread& upload : uploads) upload.join();
  clock_.Advance(kLongestUpload);
  EXPECT_THAT(RemoveDueObjects(Parts(), 100), IsOk());
  EXPECT_EQ(Keys().size(), 1u);
  EXPECT_EQ(Count("SELECT count(*) FROM blob"), 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, DeadObjectsTest, BlobBackends(), BlobBackendName);

}  // namespace
}  // namespace vico::server
