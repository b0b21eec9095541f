// Pictures of UploadPicture as rows and blobs: whose they are, when they go, and that a job keeps
// the blob of one.
#include <thread>

#include "server/blobs/blob_garbage_collector.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/housekeeping.h"
#include "server/store/sql_catalog.h"
#include "server/store/sql_job_store.h"
#include "server/store/sql_tenant_eraser.h"
#include "server/store/sql_tenant_store.h"
#include "tests/server/blobs/blob_fixture.h"

namespace vico::server {
namespace {

class UploadedPicturesTest : public BlobTest {
 protected:
  UploadedPicturesTest() { Limit({}); }

  void Limit(const TenantQuota& quota) {
    catalog_ = std::make_unique<SqlCatalog>(*database_, time_, quota, absl::Hours(6));
    jobs_ = *SqlJobStore::Open(*database_, clock_, time_, feed_, {});
  }

  static RequestKey Key(const std::string& id, const std::string& tenant = "default") {
    return {tenant, id, "hash of " + id};
  }

  v1::UploadedPicture Picture(const std::string& bytes, const std::string& tenant = "default") {
    v1::UploadedPicture picture;
    *picture.mutable_blob() = Put(bytes, tenant);
    picture.set_width(64);
    picture.set_height(48);
    return picture;
  }

  v1::UploadedPicture Uploaded(const std::string& bytes, const std::string& id = "request-1",
                               const std::string& tenant = "default") {
    const auto made = catalog_->CreateUploaded(Key(id, tenant), Picture(bytes, tenant));
    EXPECT_THAT(made, IsOk());
    return made.ok() ? *made : v1::UploadedPicture();
  }

  /// A generation that starts from the picture.
  static SubmitRequest From(const v1::UploadedPicture& picture, const std::string& id) {
    SubmitRequest request;
    request.key = Key(id);
    request.spec.mutable_generate()->set_base_model("baseModels/toy");
    request.spec.mutable_generate()->set_init_picture(picture.name());
    request.pictures.init = picture.blob();
    return request;
  }

  /// Deletes what nothing references. Returns the number of blobs.
  int Collect() {
    clock_.Advance(absl::Seconds(1));
    const auto collected = BlobGarbageCollector(Parts(), absl::ZeroDuration()).Turn(100);
    EXPECT_THAT(collected, IsOk());
    return collected.value_or(-1);
  }

  EventFeed feed_;
  std::unique_ptr<SqlCatalog> catalog_;
  std::unique_ptr<SqlJobStore> jobs_;
};

TEST_P(UploadedPicturesTest, APictureIsFoundAsItWasStored) {
  EXPECT_THAT(catalog_->FindUploadedByRequest(Key("request-1")), HasReason("REQUEST_IS_NEW"));
  const v1::UploadedPicture made = Uploaded("mask");
  EXPECT_TRUE(made.name().starts_with("pictures/"));
  EXPECT_EQ(made.create_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(made.expire_time().seconds() - made.create_time().seconds(), 6 * 3600);
  EXPECT_EQ(made.expire_time().nanos(), made.create_time().nanos());
  EXPECT_EQ(catalog_->GetUploaded("default", made.name())->SerializeAsString(),
            made.SerializeAsString());
  EXPECT_EQ(catalog_->FindUploadedByRequest(Key("request-1"))->SerializeAsString(),
            made.SerializeAsString());
}

TEST_P(UploadedPicturesTest, ARepeatedRequestCreatesNothing) {
  const v1::UploadedPicture first = Uploaded("mask");
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Uploaded("mask").SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(Count("SELECT count(*) FROM uploaded_picture"), 1);
  RequestKey other = Key("request-1");
  other.body_hash = "another";
  EXPECT_THAT(catalog_->CreateUploaded(other, Picture("mask")), HasReason("REQUEST_ID_REUSED"));
  ASSERT_THAT(catalog_->DeleteUploaded("default", first.name()), IsOk());
  EXPECT_THAT(catalog_->CreateUploaded(Key("request-1"), Picture("mask")),
              HasReason("REQUEST_RESULT_DELETED"));
}

TEST_P(UploadedPicturesTest, OtherTenantsDoNotSeeIt) {
  const v1::UploadedPicture theirs = Uploaded("mask", "request-1", "theirs");
  EXPECT_THAT(catalog_->GetUploaded("default", theirs.name()), HasReason("PICTURE_NOT_FOUND"));
  EXPECT_THAT(catalog_->DeleteUploaded("default", theirs.name()), HasReason("PICTURE_NOT_FOUND"));
  EXPECT_THAT(catalog_->FindUploadedByRequest(Key("request-1")), HasReason("REQUEST_IS_NEW"));
  EXPECT_THAT(catalog_->GetUploaded("theirs", theirs.name()), IsOk());
}

TEST_P(UploadedPicturesTest, APictureWithoutItsBytesIsNotStored) {
  v1::UploadedPicture lost;
  lost.mutable_blob()->set_sha256(Sha256Hex("never stored"));
  lost.mutable_blob()->set_size_bytes(12);
  EXPECT_THAT(catalog_->CreateUploaded(Key("request-1"), lost), HasReason("BLOB_MISSING"));
  EXPECT_EQ(Count("SELECT count(*) FROM uploaded_picture"), 0);
  EXPECT_THAT(catalog_->CreateUploaded(Key("request-1"), Picture("mask")), IsOk());
}

TEST_P(UploadedPicturesTest, ATenantHasAtMostItsNumber) {
  Limit({.uploaded_pictures = 2});
  const v1::UploadedPicture first = Uploaded("one", "request-1");
  Uploaded("two", "request-2");
  const auto refused = catalog_->CreateUploaded(Key("request-3"), Picture("three"));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasReason("QUOTA_EXCEEDED"));
  EXPECT_EQ(Uploaded("two", "request-2").blob().size_bytes(), 3u) << "a repeat";
  Uploaded("three", "request-3", "other");
  ASSERT_THAT(catalog_->DeleteUploaded("default", first.name()), IsOk());
  EXPECT_THAT(catalog_->CreateUploaded(Key("request-3"), Picture("three")), IsOk());
}

TEST_P(UploadedPicturesTest, ADeletedPictureLeavesNoBlob) {
  const v1::UploadedPicture picture = Uploaded("mask");
  EXPECT_EQ(Collect(), 0) << "the picture keeps its blob";
  ASSERT_THAT(catalog_->DeleteUploaded("default", picture.name()), IsOk());
  EXPECT_THAT(catalog_->GetUploaded("default", picture.name()), HasReason("PICTURE_NOT_FOUND"));
  EXPECT_THAT(catalog_->DeleteUploaded("default", picture.name()), HasReason("PICTURE_NOT_FOUND"));
  EXPECT_EQ(Collect(), 1);
  EXPECT_FALSE(HasObject(picture.blob()));
}

TEST_P(UploadedPicturesTest, HousekeepingDeletesWhatHasExpired) {
  const AlwaysLeader leader;
  Housekeeping housekeeping(*jobs_, leader, clock_, Log::Off(), {.catalog = catalog_.get()});
  const v1::UploadedPicture early = Uploaded("one", "request-1");
  clock_.Advance(absl::Hours(1));
  const v1::UploadedPicture late = Uploaded("two", "request-2");
  clock_.Advance(absl::Hours(5) - absl::Seconds(1));
  housekeeping.Turn();
  EXPECT_THAT(catalog_->GetUploaded("default", early.name()), IsOk());
  clock_.Advance(absl::Seconds(1));
  housekeeping.Turn();
  EXPECT_THAT(catalog_->GetUploaded("default", early.name()), HasReason("PICTURE_NOT_FOUND"));
  EXPECT_THAT(catalog_->FindUploadedByRequest(Key("request-1")),
              HasReason("REQUEST_RESULT_DELETED"));
  EXPECT_THAT(catalog_->GetUploaded("default", late.name()), IsOk());
  EXPECT_EQ(Collect(), 1);
  EXPECT_FALSE(HasObject(early.blob()));
  EXPECT_TRUE(HasObject(late.blob()));
}

TEST_P(UploadedPicturesTest, ManyExpiredPicturesGoAHundredAtATime) {
  for (int i = 0; i < 150; ++i) Uploaded("the same bytes", fmt::format("request-{}", i));
  clock_.Advance(absl::Hours(6));
  EXPECT_EQ(*catalog_->DeleteExpired(), 100);
  EXPECT_EQ(*catalog_->DeleteExpired(), 50);
  EXPECT_EQ(*catalog_->DeleteExpired(), 0);
}

TEST_P(UploadedPicturesTest, AQueuedAndARunningJobOutliveTheirPicture) {
  const v1::UploadedPicture picture = Uploaded("mask");
  ASSERT_THAT(jobs_->Submit(From(picture, "request-2")), IsOk());
  ASSERT_THAT(catalog_->DeleteUploaded("default", picture.name()), IsOk());
  EXPECT_EQ(Collect(), 0);
  const auto grants = jobs_->Lease(
      {.worker = "worker", .device = "cpu", .nonce = "1", .base_models = {"baseModels/toy"}});
  ASSERT_THAT(grants, IsOk());
  ASSERT_EQ(grants->size(), 1u);
  EXPECT_EQ(grants->front().pictures.init.sha256(), picture.blob().sha256());
  EXPECT_EQ(Collect(), 0);
  EXPECT_THAT(ReadThrough(*store_, "default", picture.blob().sha256()), IsOk());
}

TEST_P(UploadedPicturesTest, APictureThatGoesBeforeItsJobIsQueuedQueuesNothing) {
  const v1::UploadedPicture picture = Uploaded("mask");
  const SubmitRequest request = From(picture, "request-2");  // it was found, and is gone now
  ASSERT_THAT(catalog_->DeleteUploaded("default", picture.name()), IsOk());
  ASSERT_EQ(Collect(), 1);
  EXPECT_THAT(jobs_->Submit(request), HasReason("BLOB_MISSING"));
  EXPECT_EQ(Count("SELECT count(*) FROM job"), 0);
}

TEST_P(UploadedPicturesTest, NoJobLosesAPictureThatIsDeletedWhileItIsSubmitted) {
  int64_t queued = 0;
  for (int i = 0; i < 30; ++i) {
    const v1::UploadedPicture picture =
        Uploaded(fmt::format("mask {}", i), fmt::format("request-{}", i));
    std::thread deleter([&] {
      EXPECT_THAT(catalog_->DeleteUploaded("default", picture.name()), IsOk());
      Collect();
    });
    if (i % 2 == 0) std::this_thread::yield();
    const auto job = jobs_->Submit(From(picture, fmt::format("job-{}", i)));
    deleter.join();
    if (!job.ok()) {
      EXPECT_THAT(job, HasReason("BLOB_MISSING"));
      continue;
    }
    ++queued;
    Collect();
    EXPECT_THAT(ReadThrough(*store_, "default", picture.blob().sha256()), IsOk());
  }
  EXPECT_EQ(Count("SELECT count(*) FROM job"), queued);
  EXPECT_EQ(Count("SELECT count(*) FROM uploaded_picture"), 0);
}

TEST_P(UploadedPicturesTest, TheEndOfATenantIsTheEndOfItsPictures) {
  SqlTenantStore tenants(*database_, clock_);
  SqlTenantEraser eraser(*database_, *store_, tenants, clock_);
  ASSERT_THAT(tenants.Create("acme"), IsOk());
  const v1::UploadedPicture picture = Uploaded("mask", "request-1", "acme");
  const v1::UploadedPicture kept = Uploaded("mask", "request-2", "other");
  ASSERT_THAT(tenants.BeginDelete("acme"), IsOk());
  EXPECT_THAT(catalog_->CreateUploaded(Key("request-3", "acme"), picture),
              HasReason("TENANT_DELETED"));
  ASSERT_THAT(eraser.Run(absl::Seconds(60)), IsOk());
  EXPECT_EQ(Count("SELECT count(*) FROM uploaded_picture"), 1);
  EXPECT_THAT(catalog_->GetUploaded("other", kept.name()), IsOk());
}

TEST_P(UploadedPicturesTest, ATenantThatAnOlderProgramErasesLeavesNoPicture) {
  SqlTenantStore tenants(*database_, clock_);
  ASSERT_THAT(tenants.Create("acme"), IsOk());
  Uploaded("mask", "request-1", "acme");
  ASSERT_THAT(tenants.BeginDelete("acme"), IsOk());
  // Such a program erases the tables that it knows, then ends the deletion.
  ASSERT_THAT(tenants.EndDelete("acme"), IsOk());
  EXPECT_EQ(Count("SELECT count(*) FROM uploaded_picture"), 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, UploadedPicturesTest, BlobBackends(), BlobBackendName);

}  // namespace
}  // namespace vico::server
