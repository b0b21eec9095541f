// Blobs whose bytes change or vanish on the disk: nobody gets wrong bytes, and an upload repairs
// them.
#include "server/blobs/damaged_blob.h"

#include <functional>

#include "tests/server/blobs/blob_fixture.h"

namespace vico::server {
namespace {

class DamagedBlobTest : public BlobTest {
 protected:
  /// Reads the blob in pieces, as a download does. Returns the bytes or the first error.
  absl::StatusOr<std::string> Download(const v1::BlobRef& blob, uint64_t piece = 7) {
    ASSIGN_OR_RETURN(const auto reader, store_->Open("default", blob.sha256()));
    std::string bytes;
    while (bytes.size() < reader->size_bytes()) {
      ASSIGN_OR_RETURN(const std::string next, reader->Read(bytes.size(), piece));
      bytes += next;
    }
    return bytes;
  }

  void Shorten(const v1::BlobRef& blob) {
    Overwrite(blob, std::string(blob.size_bytes() / 2, 's'));
  }
  void Replace(const v1::BlobRef& blob) { Overwrite(blob, std::string(blob.size_bytes(), '?')); }
};

TEST_P(DamagedBlobTest, ADownloadOfADamagedBlobFailsAndNamesItsUsers) {
  const v1::BlobRef blob = Put("some bytes of a picture");
  ASSERT_THAT(Name("concepts/1f", {blob}), IsOk());
  Damage(blob);
  const auto bytes = Download(blob);
  EXPECT_THAT(bytes, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(bytes, HasReason("BLOB_DAMAGED"));
  EXPECT_THAT(bytes, HasMessage(testing::HasSubstr("concepts/1f")));
}

TEST_P(DamagedBlobTest, EveryKindOfDamageEndsInQuarantineAndIsRepairedByAnUpload) {
  const std::vector<std::function<void(const v1::BlobRef&)>> damages{
      [this](const v1::BlobRef& blob) { Damage(blob); },
      [this](const v1::BlobRef& blob) { Shorten(blob); },
      [this](const v1::BlobRef& blob) { Replace(blob); },
      [this](const v1::BlobRef& blob) { Lose(blob); }};
  for (size_t i = 0; i < damages.size(); ++i) {
    SCOPED_TRACE(i);
    const std::string bytes = "some bytes of a picture " + std::to_string(i);
    const v1::BlobRef blob = Put(bytes);
    ASSERT_THAT(Name("concepts/1f", {blob}), IsOk());
    damages[i](blob);
    EXPECT_FALSE(Download(blob).ok());
    EXPECT_FALSE(IsHere(blob)) << "it counts as missing, so that clients send it again";
    EXPECT_EQ(Put(bytes).sha256(), blob.sha256());
    const auto again = Download(blob);
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(*again, bytes);
    EXPECT_TRUE(IsHere(blob));
  }
}

using LocalDamagedBlobTest = LocalBlobTest;

TEST_F(LocalDamagedBlobTest, AnUploadOfTheSameBytesReplacesDamageThatNobodyHasSeen) {
  const v1::BlobRef blob = Put("some bytes of a picture");
  Damage(blob);
  Put("some bytes of a picture");
  EXPECT_THAT(GetBlob(*store_, "default", blob.sha256(), 100), IsOk());
}

TEST_F(LocalDamagedBlobTest, AReaderOfTheOldFileDoesNotQuarantineTheNewOne) {
  const v1::BlobRef blob = Put("some bytes of a picture");
  Damage(blob);
  const auto reader = store_->Open("default", blob.sha256());
  ASSERT_THAT(reader, IsOk());
  Put("some bytes of a picture");
  EXPECT_THAT((*reader)->Read(0, 100), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(GetBlob(*store_, "default", blob.sha256(), 100), IsOk());
}

TEST_P(DamagedBlobTest, ReadsOutOfOrderAreNotJudged) {
  const v1::BlobRef blob = Put("some bytes of a picture");
  const auto reader = store_->Open("default", blob.sha256());
  ASSERT_THAT(reader, IsOk());
  EXPECT_THAT((*reader)->Read(5, 100), IsOk());
  EXPECT_THAT((*reader)->Read(0, 4), IsOk());
  EXPECT_THAT((*reader)->Read(0, 4), IsOk());
  EXPECT_THAT((*reader)->Read(4, 100), IsOk());
  EXPECT_THAT((*reader)->Read(100, 100), IsOk());
}

TEST_P(DamagedBlobTest, AnEmptyBlobIsSound) {
  const v1::BlobRef blob = Put("");
  EXPECT_THAT(Download(blob), IsOk());
  EXPECT_THAT(ReadThrough(*store_, "default", blob.sha256()), IsOk());
}

INSTANTIATE_TEST_SUITE_P(Backends, DamagedBlobTest, BlobBackends(), BlobBackendName);

}  // namespace
}  // namespace vico::server
