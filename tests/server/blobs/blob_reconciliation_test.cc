// Objects of a bucket and rows that differ.
#include "server/blobs/blob_reconciliation.h"

#include "server/blobs/dead_objects.h"
#include "tests/server/blobs/blob_fixture.h"

namespace vico::server {
namespace {

/// The clock of the bucket is the machine's, so the store's begins there.
class BlobReconciliationTest : public BlobTest {
 protected:
  ReconciliationSummary Reconcile() {
    const auto summary = ReconcileBlobs(Parts());
    EXPECT_THAT(summary, IsOk());
    return summary.value_or(ReconciliationSummary());
  }

  /// Objects stored now are more than a day old.
  void LetADayPass() { clock_.Advance(absl::Now() - time_.Now() + absl::Hours(25)); }
};

TEST_P(BlobReconciliationTest, LeavesBlobsAndDeadObjectsAlone) {
  const v1::BlobRef blob = Put("hello");
  const std::string dead = PutObject("dying");
  LetADayPass();
  ASSERT_THAT(AnnounceObject(Parts(), dead), IsOk());
  const ReconciliationSummary summary = Reconcile();
  EXPECT_EQ(summary.objects, 2);
  EXPECT_EQ(summary.unnamed, 0);
  EXPECT_EQ(summary.forgotten, 0);
  EXPECT_TRUE(IsHere(blob));
}

TEST_P(BlobReconciliationTest, RemovesAnObjectThatNothingNamesOnceItIsADayOld) {
  const v1::BlobRef blob = Put("hello");
  PutObject("nobody's");
  clock_.Advance(absl::Now() - time_.Now());
  EXPECT_EQ(Reconcile().unnamed, 0) << "its upload may not have ended yet";
  LetADayPass();
  EXPECT_EQ(Reconcile().unnamed, 1);
  EXPECT_THAT(RemoveDueObjects(Parts(), 10), IsOk());
  EXPECT_EQ(Keys().size(), 1u);
  EXPECT_TRUE(IsHere(blob));
}

TEST_P(BlobReconciliationTest, ForgetsABlobWhoseObjectIsGone) {
  const v1::BlobRef lost = Put("hello");
  const v1::BlobRef blob = Put("another");
  ASSERT_THAT(Name("concepts/1", {lost}), IsOk());
  Lose(lost);
  EXPECT_EQ(Reconcile().forgotten, 1);
  EXPECT_EQ(StateOf(lost), "none");
  EXPECT_TRUE(IsHere(blob));
  Put("hello");
  EXPECT_TRUE(IsHere(lost)) << "an upload repairs it";
}

TEST_P(BlobReconciliationTest, OneServerComparesOnceADay) {
  BlobReconciliation first(Parts(), Log::Off());
  BlobReconciliation second(Parts(), Log::Off());
  EXPECT_THAT(first.Turn(), IsOk()) << "notes the time";
  const v1::BlobRef lost = Put("hello");
  Lose(lost);
  clock_.Advance(absl::Hours(23));
  EXPECT_THAT(second.Turn(), IsOk());
  EXPECT_EQ(StateOf(lost), "live");
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(second.Turn(), IsOk());
  EXPECT_EQ(StateOf(lost), "none");
  const v1::BlobRef next = Put("another");
  Lose(next);
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(first.Turn(), IsOk());
  EXPECT_EQ(StateOf(next), "live") << "the other one has done it today";
}

INSTANTIATE_TEST_SUITE_P(Backends, BlobReconciliationTest,
                         testing::Values(BlobBackend{SqliteBackend(), true},
                                         BlobBackend{PostgresBackend(), true}),
                         BlobBackendName);

}  // namespace
}  // namespace vico::server
