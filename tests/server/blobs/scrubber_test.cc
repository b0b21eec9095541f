#include "server/blobs/scrubber.h"

#include "tests/server/blobs/blob_fixture.h"

namespace vico::server {
namespace {

constexpr uint64_t kPlenty = uint64_t{1} << 30;

class ScrubberTest : public BlobTest {
 protected:
  std::unique_ptr<Scrubber> NewScrubber() {
    return std::make_unique<Scrubber>(Parts(), Log::Off(), absl::Hours(24));
  }

  /// A folder has a quarantine; in a bucket the object stays, without a row that names it.
  bool IsQuarantined(const v1::BlobRef& blob) {
    return on_s3()
               ? HasObject(blob) && Count("SELECT count(*) FROM dead_object") == 1
               : std::filesystem::exists(folder_.path() + "/quarantine/default-" + blob.sha256());
  }
};

TEST_P(ScrubberTest, QuarantinesDamagedBlobsOnly) {
  std::vector<v1::BlobRef> blobs;
  for (int i = 0; i < 6; ++i) blobs.push_back(Put("blob " + std::to_string(i)));
  ASSERT_THAT(Name("jobs/1", {blobs[3]}), IsOk());
  Damage(blobs[3]);
  EXPECT_EQ(*NewScrubber()->Turn(kPlenty), 1);
  EXPECT_TRUE(IsQuarantined(blobs[3]));
  EXPECT_THAT(store_->Open("default", blobs[3].sha256()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Name("jobs/2", {blobs[3]}), HasReason("BLOB_MISSING"));
  for (int i : {0, 1, 2, 4, 5}) EXPECT_TRUE(IsHere(blobs[static_cast<size_t>(i)])) << i;
  Put("blob 3");
  EXPECT_TRUE(IsHere(blobs[3])) << "an upload repairs it";
}

TEST_P(ScrubberTest, QuarantinesABlobOfAnotherSize) {
  const v1::BlobRef blob = Put("hello");
  Overwrite(blob, "hell");
  EXPECT_EQ(*NewScrubber()->Turn(kPlenty), 1);
  EXPECT_FALSE(IsHere(blob));
}

class LocalScrubberTest : public LocalBlobTest {};

TEST_F(LocalScrubberTest, KeepsABlobThatCannotBeOpenedAtTheMoment) {
  const v1::BlobRef blob = Put("hello");
  // As without a free file descriptor: a link is not opened.
  const std::string path = PathOf(blob);
  std::filesystem::rename(path, folder_.path() + "/aside");
  std::filesystem::create_symlink(folder_.path() + "/aside", path);
  Scrubber scrubber(Parts(), Log::Off(), absl::Hours(24));
  EXPECT_THAT(scrubber.Turn(kPlenty), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(StateOf(blob), "live");
  EXPECT_EQ(*scrubber.Turn(kPlenty), 0);
  EXPECT_TRUE(scrubber.resting()) << "the round goes on";
}

TEST_P(ScrubberTest, StartsOneRoundADay) {
  const auto scrubber = NewScrubber();
  const v1::BlobRef blob = Put("hello");
  EXPECT_EQ(*scrubber->Turn(kPlenty), 0);
  EXPECT_TRUE(scrubber->resting());
  Damage(blob);
  clock_.Advance(absl::Hours(23));
  EXPECT_EQ(*scrubber->Turn(kPlenty), 0);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(*scrubber->Turn(kPlenty), 1);
}

TEST_P(ScrubberTest, ContinuesWhereItStoppedAlsoAfterARestart) {
  std::vector<v1::BlobRef> blobs;
  for (int i = 0; i < 8; ++i) {
    blobs.push_back(Put(std::string(3 << 20, static_cast<char>('a' + i))));
  }
  for (const v1::BlobRef& blob : blobs) Damage(blob);
  int found = 0;
  int turns = 0;
  for (bool resting = false; !resting; ++turns) {
    ASSERT_LT(turns, 40);
    Open();
    const auto scrubber = NewScrubber();
    const auto turn = scrubber->Turn(uint64_t{4} << 20);
    ASSERT_THAT(turn, IsOk());
    EXPECT_LE(*turn, 2) << "a turn reads no more than its budget and a chunk";
    found += *turn;
    resting = scrubber->resting();
  }
  EXPECT_EQ(found, 8);
  EXPECT_GE(turns, 5);
}

TEST_P(ScrubberTest, DoesNotQuarantineABlobUploadedAgain) {
  const v1::BlobRef blob = Put(std::string(3 << 20, 'x'));
  Damage(blob);
  const auto scrubber = NewScrubber();
  EXPECT_EQ(*scrubber->Turn(1), 0);  // begun
  clock_.Advance(absl::Seconds(1));
  Lose(blob);
  ASSERT_THAT(store_->Remove("default", blob.sha256()), IsOk());
  Put(std::string(3 << 20, 'x'));
  EXPECT_EQ(*scrubber->Turn(kPlenty), 0);
  EXPECT_TRUE(IsHere(blob));
}

INSTANTIATE_TEST_SUITE_P(Backends, ScrubberTest, BlobBackends(), BlobBackendName);

}  // namespace
}  // namespace vico::server
