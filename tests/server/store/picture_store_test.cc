#include <gmock/gmock.h>

#include "server/store/sql_picture_store.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::Optional;

class PictureStoreTest : public JobStoreTest {
 protected:
  static v1::Event Sample(int64_t step, int prompt, char digit) {
    v1::Event event;
    event.mutable_sample()->set_step(step);
    event.mutable_sample()->mutable_picture()->set_index(prompt);
    event.mutable_sample()->mutable_picture()->set_width(64);
    event.mutable_sample()->mutable_picture()->mutable_blob()->set_sha256(std::string(64, digit));
    return event;
  }

  /// A running training with these events.
  std::string Running(const std::vector<v1::Event>& events) {
    Submitted(Training("request-1"));
    const Grant grant = Leased();
    v1::ReportRequest report = ReportOf(grant, 1);
    for (const v1::Event& event : events) *report.add_events() = event;
    EXPECT_THAT(jobs_->Report(report), IsOk());
    return grant.job.name();
  }

  std::string Sha256Of(const std::string& job, const std::string& picture) {
    const auto found = SqlPictureStore(*database_).FindInEvents("default", job, picture);
    EXPECT_THAT(found, IsOk());
    return found.ok() ? found->blob.sha256() : "";
  }

  int64_t Count(const std::string& sql) {
    int64_t count = 0;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(count, db.QueryInt(sql, {}, -1));
      return absl::OkStatus();
    }),
                IsOk());
    return count;
  }

  static PictureBlob Blob(char digit) {
    PictureBlob picture{.width = 64, .height = 48};
    picture.blob.set_sha256(std::string(64, digit));
    return picture;
  }
};

TEST_P(PictureStoreTest, FindsTheNewestPictureOfAName) {
  const std::string job =
      Running({Sample(50, 0, 'a'), Sample(50, 1, 'b'), Sample(100, 0, 'c'), Sample(50, 0, 'c')});
  EXPECT_EQ(Sha256Of(job, "samples/50/0"), std::string(64, 'c'));
  EXPECT_EQ(Sha256Of(job, "samples/50/1"), std::string(64, 'b'));
  SqlPictureStore pictures(*database_);
  EXPECT_THAT(pictures.FindInEvents("default", job, "samples/50/2"),
              HasReason("PICTURE_NOT_FOUND"));
  EXPECT_THAT(pictures.FindInEvents("other", job, "samples/50/0"), HasReason("JOB_NOT_FOUND"));
}

TEST_P(PictureStoreTest, FindsPicturesInRowsOfOlderVersions) {
  const std::string job = Running({Sample(50, 0, 'a'), Sample(50, 0, 'b')});
  ASSERT_THAT(database_->Write([](SqlSession& db) {
    return db.Execute("UPDATE event SET picture = NULL").status();
  }),
              IsOk());
  EXPECT_EQ(Sha256Of(job, "samples/50/0"), std::string(64, 'b'));
}

TEST_P(PictureStoreTest, AThumbnailLastsAsLongAsItsSource) {
  SqlPictureStore pictures(*database_);
  const ThumbnailKey key{std::string(64, 'a'), 128, "image/jpeg"};
  EXPECT_EQ(*pictures.FindThumbnail("default", key), std::nullopt);
  ASSERT_THAT(pictures.SaveThumbnail("default", key, Blob('b')), IsOk());
  const auto found = pictures.FindThumbnail("default", key);
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->blob.sha256(), std::string(64, 'b'));
  EXPECT_EQ((*found)->blob.media_type(), "image/jpeg");
  EXPECT_EQ((*found)->width, 64);
  EXPECT_EQ((*found)->height, 48);
  EXPECT_EQ(*pictures.FindThumbnail("other", key), std::nullopt);
  EXPECT_EQ(*pictures.FindThumbnail("default", {key.source_sha256, 256, key.media_type}),
            std::nullopt);
  EXPECT_EQ(Count("SELECT count(*) FROM blob_use WHERE tenant = 'default'"), 1);

  ASSERT_THAT(database_->Write([&](SqlSession& db) {
    return db
        .Execute("DELETE FROM blob WHERE tenant = ? AND sha256 = ?",
                 {std::string_view("default"), key.source_sha256})
        .status();
  }),
              IsOk());
  EXPECT_EQ(Count("SELECT count(*) FROM thumbnail"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM blob_use WHERE tenant = 'default'"), 0);
}

TEST_P(PictureStoreTest, ALostThumbnailIsNotFoundAndIsReplaced) {
  SqlPictureStore pictures(*database_);
  const ThumbnailKey key{std::string(64, 'a'), 128, "image/jpeg"};
  ASSERT_THAT(pictures.SaveThumbnail("default", key, Blob('b')), IsOk());
  ASSERT_THAT(database_->Write([](SqlSession& db) {
    return db
        .Execute("DELETE FROM blob WHERE tenant = 'default' AND sha256 = ?", {std::string(64, 'b')})
        .status();
  }),
              IsOk());
  EXPECT_EQ(*pictures.FindThumbnail("default", key), std::nullopt);
  ASSERT_THAT(pictures.SaveThumbnail("default", key, Blob('c')), IsOk());
  EXPECT_EQ((*pictures.FindThumbnail("default", key))->blob.sha256(), std::string(64, 'c'));
}

TEST_P(PictureStoreTest, BothBlobsOfAThumbnailMustBeStored) {
  SqlPictureStore pictures(*database_);
  EXPECT_THAT(pictures.SaveThumbnail("default", {std::string(64, 'd'), 64, "image/png"}, Blob('b')),
              HasReason("BLOB_MISSING"));
  EXPECT_THAT(pictures.SaveThumbnail("default", {std::string(64, 'a'), 64, "image/png"}, Blob('d')),
              HasReason("BLOB_MISSING"));
  EXPECT_EQ(Count("SELECT count(*) FROM blob_use WHERE tenant = 'default'"), 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, PictureStoreTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
