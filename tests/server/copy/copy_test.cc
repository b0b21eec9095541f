// An installation moves between engines: every row and every byte is there afterwards.
#include "server/copy/copy.h"

#include <atomic>
#include <map>
#include <set>

#include "server/blobs/objects_of_database.h"
#include "server/store/sql_catalog.h"
#include "server/store/sql_job_store.h"
#include "server/store/sql_tenant_store.h"
#include "tests/server/blobs/blob_fixture.h"
#include "tests/server/forwarding_files.h"

namespace vico::server {
namespace {

using testing::HasSubstr;

class CopyTest : public BlobTest {
 protected:
  /// The installation of the fixture: SQLite and a folder.
  CopyTest() : source_folder_(folder_.path() + "/source") {
    std::filesystem::create_directories(source_folder_ + "/blobs");
    source_database_ = *SqliteDatabase::Open(source_folder_ + "/vico.db");
    source_objects_ = *LocalObjects::Open(source_folder_ + "/blobs", disk_);
    source_store_ = std::make_unique<TrackedBlobStore>(SourceParts());
  }

  BlobParts SourceParts() { return {*source_objects_, *source_database_, time_}; }

  Installation Source() { return {SourceParts(), Engine::kSqlite, ""}; }
  Installation Target() {
    if (!on_s3() && backend_.store.name == "postgres") {
      return {Parts(), Engine::kPostgres, *LocationOfFolder(folder_.path() + "/blobs", disk_)};
    }
    return {Parts(), backend_.store.name == "sqlite" ? Engine::kSqlite : Engine::kPostgres,
            on_s3() ? S3AddressOf(bucket_->options()) : ""};
  }

  absl::StatusOr<CopySummary> Copy() {
    return CopyInstallation(Source(), Target(), [](const BlobsCopied&) {});
  }

  v1::Concept AddConcept(const std::string& tenant, const std::string& bytes) {
    SqlCatalog catalog(*source_database_, time_);
    const auto blob = PutBlob(*source_store_, tenant, bytes, "image/png");
    EXPECT_THAT(blob, IsOk());
    v1::Concept uploaded;
    *uploaded.add_pictures()->mutable_blob() = *blob;
    auto made = catalog.CreateConcept({tenant, bytes + "-request", "hash"}, uploaded);
    EXPECT_THAT(made, IsOk());
    return *std::move(made);
  }

  void AddUploaded(const std::string& tenant, const std::string& bytes) {
    v1::UploadedPicture picture;
    const auto blob = PutBlob(*source_store_, tenant, bytes, "image/png");
    ASSERT_THAT(blob, IsOk());
    *picture.mutable_blob() = *blob;
    EXPECT_THAT(SqlCatalog(*source_database_, time_)
                    .CreateUploaded({tenant, bytes + "-upload-request", "hash"}, picture),
                IsOk());
  }

  /// The digests of all blobs of a store, each read and computed again.
  static std::map<std::string, std::string> DigestsOf(Database& database, BlobStore& store) {
    std::vector<BlobRow> rows;
    EXPECT_THAT(database.Read([&](SqlSession& db) {
      return db.Query("SELECT tenant, sha256, size_bytes FROM blob", {}, [&](const SqlRow& row) {
        rows.push_back({row.Text(0), row.Text(1), static_cast<uint64_t>(row.Int(2))});
        return absl::OkStatus();
      });
    }),
                IsOk());
    std::map<std::string, std::string> digests;
    for (const BlobRow& row : rows) {
      const auto bytes = GetBlob(store, row.tenant, row.sha256, row.size_bytes);
      EXPECT_THAT(bytes, IsOk());
      digests[row.tenant + "/" + row.sha256] = bytes.ok() ? Sha256Hex(*bytes) : "";
    }
    return digests;
  }

  /// All rows of a table, as text.
  static std::multiset<std::string> RowsOf(Database& database, const char* sql) {
    std::multiset<std::string> rows;
    EXPECT_THAT(database.Read([&](SqlSession& db) {
      return db.Query(sql, {}, [&](const SqlRow& row) {
        rows.insert(row.Text(0));
        return absl::OkStatus();
      });
    }),
                IsOk());
    return rows;
  }

  void FillSource() {
    SqlTenantStore tenants(*source_database_, clock_);
    for (const char* name : {"acme", "other", "gone"}) {
      ASSERT_THAT(tenants.Create(name), IsOk());
      ASSERT_THAT(tenants.CreateKey(name, v1::KEY_ROLE_USER), IsOk());
    }
    for (int i = 0; i < 20; ++i) AddConcept("acme", "picture " + std::to_string(i));
    AddConcept("other", "picture 0");
    AddUploaded("acme", "picture 3");
    ASSERT_THAT(PutBlob(*source_store_, "other", std::string(3'000'000, 'x'), ""), IsOk());
    ASSERT_THAT(PutBlob(*source_store_, "other", "", ""), IsOk());
    EventFeed feed;
    const auto jobs = SqlJobStore::Open(*source_database_, clock_, time_, feed, {});
    ASSERT_THAT(jobs, IsOk());
    for (int i = 0; i < 5; ++i) {
      SubmitRequest request;
      request.key = {"acme", "job-" + std::to_string(i) + "-request", "hash"};
      request.spec.mutable_generate()->set_base_model("baseModels/tiny");
      ASSERT_THAT((*jobs)->Submit(request), IsOk());
    }
    ASSERT_THAT(tenants.BeginDelete("gone"), IsOk());
  }

  const std::string source_folder_;
  std::unique_ptr<Database> source_database_;
  std::unique_ptr<LocalObjects> source_objects_;
  std::unique_ptr<TrackedBlobStore> source_store_;
};

TEST_P(CopyTest, CopiesEveryRowAndEveryByte) {
  FillSource();
  const auto copied = Copy();
  ASSERT_THAT(copied, IsOk());
  EXPECT_EQ(copied->blobs.blobs, 23);
  EXPECT_EQ(copied->blobs.skipped, 0);
  EXPECT_TRUE(copied->blobs.lost.empty());

  const auto digests = DigestsOf(*source_database_, *source_store_);
  EXPECT_EQ(digests.size(), 23u);
  EXPECT_EQ(DigestsOf(*database_, *store_), digests);
  for (const char* sql :
       {"SELECT name || state FROM tenant", "SELECT name FROM job", "SELECT spec FROM job",
        "SELECT event FROM event", "SELECT id || tenant || sha256 FROM api_key",
        "SELECT name || tenant || CAST(expire_time AS TEXT) FROM uploaded_picture",
        "SELECT message FROM uploaded_picture", "SELECT name || tenant FROM concept",
        "SELECT message FROM concept", "SELECT tenant || request_id || resource FROM request",
        R"(SELECT tenant || sha256 || "user" FROM blob_use)",
        "SELECT value FROM secret WHERE name IN ('page_tokens', 'installation')",
        "SELECT tenant || CAST(bytes AS TEXT) FROM blob_total",
        "SELECT sha256 || CAST(time AS TEXT) FROM blob"}) {
    const auto rows = RowsOf(*source_database_, sql);
    EXPECT_FALSE(rows.empty()) << sql;
    EXPECT_EQ(RowsOf(*database_, sql), rows) << sql;
  }
}

TEST_P(CopyTest, TheTargetGoesOn) {
  FillSource();
  ASSERT_THAT(Copy(), IsOk());
  EXPECT_THAT(BindObjects(*database_, *objects_, Target().location), IsOk());
  EventFeed feed;
  const auto jobs = SqlJobStore::Open(*database_, clock_, time_, feed, {});
  ASSERT_THAT(jobs, IsOk());
  SubmitRequest request;
  request.key = {"acme", "a-new-request-id", "hash"};
  request.spec.mutable_generate()->set_base_model("baseModels/tiny");
  EXPECT_THAT((*jobs)->Submit(request), IsOk());
  EXPECT_EQ(Count("SELECT count(*) FROM job"), 6);
  EXPECT_EQ(Count("SELECT max(number) FROM job"), 6);
  // A request that the source answered has the same answer.
  request.key = {"acme", "job-0-request", "hash"};
  EXPECT_THAT((*jobs)->Submit(request), IsOk());
  EXPECT_EQ(Count("SELECT count(*) FROM job"), 6);
  EXPECT_THAT(PutBlob(*store_, "gone", "x", ""), HasReason("TENANT_DELETED"));
}

TEST_P(CopyTest, AnInterruptedCopyGoesOn) {
  FillSource();
  int calls = 0;
  // As a process that is killed after the first blobs: the copy of the rest fails.
  class Breaking final : public ForwardingFiles {
   public:
    absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::string& path) override {
      if (left_-- <= 0) {
        return Error(absl::StatusCode::kUnavailable, "planned", "PLANNED");
      }
      return ForwardingFiles::Open(path);
    }
    std::atomic<int> left_{10};
  };
  Breaking breaking;
  {
    const auto objects = LocalObjects::Open(source_folder_ + "/blobs", breaking);
    ASSERT_THAT(objects, IsOk());
    Installation from = {{**objects, *source_database_, time_}, Engine::kSqlite, ""};
    EXPECT_THAT(CopyInstallation(from, Target(), [&](const BlobsCopied&) { ++calls; }),
                HasReason("PLANNED"));
  }
  EXPECT_THAT(BindObjects(*database_, *objects_, Target().location), HasReason("COPY_UNFINISHED"));
  const int64_t there = Count("SELECT count(*) FROM blob");
  EXPECT_GT(there, 0);
  EXPECT_LT(there, 23);
  const auto rest = Copy();
  ASSERT_THAT(rest, IsOk());
  EXPECT_EQ(rest->blobs.skipped, there);
  EXPECT_EQ(rest->blobs.blobs, 23 - there);
  EXPECT_EQ(DigestsOf(*database_, *store_), DigestsOf(*source_database_, *source_store_));
  EXPECT_EQ(RowsOf(*database_, "SELECT event FROM event"),
            RowsOf(*source_database_, "SELECT event FROM event"));
}

TEST_P(CopyTest, RefusesATargetWithRows) {
  FillSource();
  Put("somebody's");
  EXPECT_THAT(Copy(), HasReason("TARGET_NOT_EMPTY"));
}

TEST_P(CopyTest, ReportsWhatTheSourceHasLost) {
  const v1::Concept damaged = AddConcept("acme", "a damaged picture");
  const v1::Concept lost = AddConcept("acme", "a lost picture");
  AddConcept("acme", "a sound picture");
  std::ofstream(BlobFile(source_folder_, "acme", damaged.pictures(0).blob().sha256()))
      << "A damaged picture";
  std::filesystem::remove(BlobFile(source_folder_, "acme", lost.pictures(0).blob().sha256()));
  const auto copied = Copy();
  ASSERT_THAT(copied, IsOk());
  EXPECT_EQ(copied->blobs.blobs, 1);
  ASSERT_EQ(copied->blobs.lost.size(), 2u);
  for (const BlobsCopied::Lost& blob : copied->blobs.lost) {
    ASSERT_EQ(blob.users.size(), 1u);
    EXPECT_THAT(blob.users[0], HasSubstr("concepts/"));
  }
  EXPECT_EQ(Count("SELECT count(*) FROM concept"), 3) << "the rows of all are there";
  EXPECT_EQ(Keys().size(), 1u);
}

// There and back: PostgreSQL or a bucket as the source.
TEST_P(CopyTest, MovesBackIntoAFolder) {
  FillSource();
  ASSERT_THAT(Copy(), IsOk());
  const std::string back = folder_.path() + "/back";
  std::filesystem::create_directories(back + "/blobs");
  const auto database = SqliteDatabase::Open(back + "/vico.db");
  ASSERT_THAT(database, IsOk());
  const auto objects = LocalObjects::Open(back + "/blobs", disk_);
  ASSERT_THAT(objects, IsOk());
  const BlobParts parts = {**objects, **database, time_};
  const auto copied =
      CopyInstallation(Target(), {parts, Engine::kSqlite, ""}, [](const BlobsCopied&) {});
  ASSERT_THAT(copied, IsOk());
  TrackedBlobStore store(parts);
  EXPECT_EQ(DigestsOf(**database, store), DigestsOf(*source_database_, *source_store_));
  EXPECT_EQ(RowsOf(**database, "SELECT event FROM event"),
            RowsOf(*source_database_, "SELECT event FROM event"));
  EXPECT_THAT(BindObjects(**database, **objects, ""), IsOk());
}

// Two servers on one PostgreSQL database that have no bucket.
TEST(LocationOfFolderTest, EachFolderHasItsOwn) {
  const TempFolder one;
  const TempFolder other;
  PosixFiles files;
  const auto location = LocationOfFolder(one.path(), files);
  ASSERT_THAT(location, IsOk());
  EXPECT_EQ(*LocationOfFolder(one.path(), files), *location);
  EXPECT_NE(*LocationOfFolder(other.path(), files), *location);
  const auto database = SqliteDatabase::Open(one.path() + "/vico.db");
  ASSERT_THAT(database, IsOk());
  const auto objects = LocalObjects::Open(one.path() + "/blobs", files);
  ASSERT_THAT(objects, IsOk());
  EXPECT_THAT(BindObjects(**database, **objects, *location), IsOk());
  EXPECT_THAT(BindObjects(**database, **objects, *location), IsOk());
  EXPECT_THAT(BindObjects(**database, **objects, *LocationOfFolder(other.path(), files)),
              HasReason("BLOBS_ARE_ELSEWHERE"));
}

class ObjectsOfDatabaseTest : public BlobTest {};

TEST_P(ObjectsOfDatabaseTest, ADatabaseStaysWithItsBucket) {
  const std::string location = S3AddressOf(bucket_->options());
  ASSERT_THAT(BindObjects(*database_, *objects_, location), IsOk());
  EXPECT_THAT(BindObjects(*database_, *objects_, location), IsOk());
  EXPECT_EQ(*LocationOfBlobs(*database_), location);

  BucketFolder other;
  S3Objects elsewhere(other.options(), folder_.path(), clock_);
  EXPECT_THAT(BindObjects(*database_, elsewhere, S3AddressOf(other.options())),
              HasReason("BLOBS_ARE_ELSEWHERE"));
  EXPECT_THAT(BindObjects(*database_, elsewhere, location),
              HasReason("OBJECTS_OF_ANOTHER_DATABASE"))
      << "another store under the same name";
  const auto folder = LocalObjects::Open(folder_.path() + "/blobs", disk_);
  EXPECT_THAT(BindObjects(*database_, **folder, ""), HasReason("BLOBS_ARE_ELSEWHERE"));
}

TEST_P(ObjectsOfDatabaseTest, ABucketStaysWithItsDatabase) {
  const std::string location = S3AddressOf(bucket_->options());
  ASSERT_THAT(BindObjects(*database_, *objects_, location), IsOk());
  const auto stranger = SqliteDatabase::Open(folder_.path() + "/stranger.db");
  ASSERT_THAT(stranger, IsOk());
  EXPECT_THAT(BindObjects(**stranger, *objects_, location),
              HasReason("OBJECTS_OF_ANOTHER_DATABASE"));
}

TEST_P(ObjectsOfDatabaseTest, BlobsInAFolderAreNotTakenForLost) {
  const auto folder = LocalObjects::Open(folder_.path() + "/blobs", disk_);
  ASSERT_THAT(folder, IsOk());
  TrackedBlobStore local(BlobParts{**folder, *database_, time_});
  ASSERT_THAT(PutBlob(local, "default", "hello", ""), IsOk());
  EXPECT_THAT(BindObjects(*database_, *objects_, S3AddressOf(bucket_->options())),
              HasReason("BLOBS_ARE_ELSEWHERE"));
}

INSTANTIATE_TEST_SUITE_P(Backends, CopyTest, BlobBackends(), BlobBackendName);
INSTANTIATE_TEST_SUITE_P(Backends, ObjectsOfDatabaseTest,
                         testing::Values(BlobBackend{SqliteBackend(), true},
                                         BlobBackend{PostgresBackend(), true}),
                         BlobBackendName);

}  // namespace
}  // namespace vico::server
