// The tenant store and the tenant eraser, on the database and the blob folder.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "common/crypto/sha256.h"
#include "server/access/api_key.h"
#include "server/blobs/blob_recovery.h"
#include "server/blobs/damaged_blob.h"
#include "server/blobs/tracked_blob_store.h"
#include "server/disk/files.h"
#include "server/objects/local_objects.h"
#include "server/objects/object_key.h"
#include "server/sql/sqlite_database.h"
#include "server/store/sql_catalog.h"
#include "server/store/sql_job_store.h"
#include "server/store/sql_tenant_eraser.h"
#include "server/store/sql_tenant_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kCanary[] = "canary-7f3a91c2-of-the-deleted";

std::string BytesOf(const std::filesystem::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

class TenantTest : public testing::Test {
 protected:
  TenantTest() {
    database_ = *SqliteDatabase::Open(Path());
    objects_ = *LocalObjects::Open(folder_.path() + "/blobs", files_);
    blobs_ = std::make_unique<TrackedBlobStore>(BlobParts{*objects_, *database_, time_});
    catalog_ = std::make_unique<SqlCatalog>(*database_, time_);
    jobs_ = *SqlJobStore::Open(*database_, clock_, time_, feed_, {});
    tenants_ = std::make_unique<SqlTenantStore>(*database_, clock_);
    eraser_ = std::make_unique<SqlTenantEraser>(*database_, *blobs_, *tenants_, clock_);
  }

  std::string Path() const { return folder_.path() + "/vico.db"; }

  int64_t Count(const std::string& sql) {
    int64_t count = -1;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(count, db.QueryInt(sql, {}, 0));
      return absl::OkStatus();
    }),
                IsOk());
    return count;
  }

  /// Writes the canary into every table and into the blob folder.
  void Fill(const std::string& tenant) {
    const std::string id = tenant + "-request-0123456789";
    const auto blob = PutBlob(*blobs_, tenant, tenant + kCanary, "image/png");
    ASSERT_THAT(blob, IsOk());
    v1::ConceptPicture picture;
    picture.set_source_sha256(blob->sha256());
    picture.set_file_name(kCanary);
    *picture.mutable_blob() = *blob;
    ASSERT_THAT(catalog_->SavePicture(tenant, {.picture = picture, .fingerprint = kCanary}),
                IsOk());
    v1::Concept pictures;
    pictures.set_display_name(kCanary);
    *pictures.add_pictures() = picture;
    ASSERT_THAT(catalog_->CreateConcept({tenant, id + "1", "hash"}, pictures), IsOk());
    v1::Adapter adapter;
    adapter.set_placeholder(kCanary);
    *adapter.mutable_blob() = *blob;
    ASSERT_THAT(catalog_->CreateAdapter({tenant, id + "2", "hash"}, adapter), IsOk());
    v1::UploadedPicture uploaded;
    *uploaded.mutable_blob() = *blob;
    ASSERT_THAT(catalog_->CreateUploaded({tenant, id + "3", "hash"}, uploaded), IsOk());
    for (int i = 0; i < 3; ++i) {
      v1::JobSpec spec;
      spec.mutable_generate()->set_base_model("baseModels/tiny");
      spec.mutable_generate()->set_prompt(kCanary);
      ASSERT_THAT(jobs_->Submit({.key = {tenant, id + "job" + std::to_string(i), "hash"},
                                 .spec = spec,
                                 .warnings = {}}),
                  IsOk());
    }
  }

  absl::StatusOr<std::vector<Grant>> Lease() {
    return jobs_->Lease({.worker = "worker-a",
                         .device = "cpu",
                         .nonce = std::to_string(++nonce_),
                         .base_models = {"baseModels/tiny"}});
  }

  /// Leaves one job finished, one running and one queued.
  Grant Work() {
    const auto first = Lease();
    EXPECT_THAT(first, IsOk());
    v1::FinishRequest finish;
    finish.set_job(first->at(0).job.name());
    finish.set_lease_id(first->at(0).lease_id);
    finish.mutable_failure()->mutable_status()->set_code(3);
    finish.mutable_failure()->mutable_status()->set_message(kCanary);
    EXPECT_THAT(jobs_->Finish(finish), IsOk());
    const auto second = Lease();
    EXPECT_THAT(second, IsOk());
    return second->at(0);
  }

  /// The files of the data folder that contain the canary.
  BlobRow RowOf(std::string_view tenant, const v1::BlobRef& blob) {
    absl::StatusOr<BlobRow> row;
    EXPECT_THAT(database_->Read([&](SqlSession& db) {
      row = FindLiveBlob(db, tenant, blob.sha256());
      return row.status();
    }),
                IsOk());
    return *std::move(row);
  }

  std::vector<std::string> FilesWithCanary() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file() && BytesOf(entry.path()).find(kCanary) != std::string::npos) {
        files.push_back(entry.path().filename().string());
      }
    }
    return files;
  }

  TempFolder folder_;
  FakeClock clock_;
  const StoreClock time_{clock_};
  PosixFiles files_;
  EventFeed feed_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<LocalObjects> objects_;
  std::unique_ptr<TrackedBlobStore> blobs_;
  std::unique_ptr<SqlCatalog> catalog_;
  std::unique_ptr<SqlJobStore> jobs_;
  std::unique_ptr<TenantStore> tenants_;
  std::unique_ptr<TenantEraser> eraser_;
  int nonce_ = 0;
};

TEST(ApiKeyTest, ANewKeyHasAnIdAnd256BitsOfSecret) {
  const FreshKey key = NewApiKey();
  EXPECT_THAT(key.text.Reveal(), testing::MatchesRegex("vico_[0-9a-f]{16}_[0-9a-f]{64}"));
  EXPECT_EQ(IdOfApiKey(key.text.Reveal()), key.id);
  EXPECT_TRUE(IsKeyWithDigest(key.text.Reveal(), key.sha256));
  EXPECT_FALSE(IsKeyWithDigest(key.text.Reveal() + "0", key.sha256));
  EXPECT_FALSE(IsKeyWithDigest(key.text.Reveal(), ""));
  EXPECT_NE(NewApiKey().text.Reveal(), key.text.Reveal());
}

TEST(ApiKeyTest, RefusesTextThatIsNotAKey) {
  const std::string good = NewApiKey().text.Reveal();
  std::string upper = good;
  upper.back() = 'A';
  std::string dashed = good;
  dashed[21] = '-';
  for (const std::string& text : {std::string(), good.substr(1), good + "0", upper, dashed,
                                  std::string(86, '_'), "VICO_" + good.substr(5)}) {
    EXPECT_EQ(IdOfApiKey(text), std::nullopt) << text;
  }
}

TEST_F(TenantTest, ATenantNameCannotBeUsedAgain) {
  EXPECT_THAT(tenants_->Create("acme"), IsOk());
  EXPECT_THAT(tenants_->Create("acme"), HasCode(absl::StatusCode::kAlreadyExists));
  ASSERT_THAT(tenants_->BeginDelete("acme"), IsOk());
  ASSERT_THAT(eraser_->Run(absl::Seconds(10)), IsOk());
  EXPECT_THAT(tenants_->Create("acme"), HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(tenants_->Get("acme")->state(), v1::TENANT_STATE_DELETED);
}

TEST_F(TenantTest, RefusesReservedAndMalformedNames) {
  for (const char* name : {"", "..", "a/b", "A", "system", "-a", ".incoming", "a b"}) {
    EXPECT_THAT(tenants_->Create(name), NamesField("name")) << name;
  }
  EXPECT_THAT(tenants_->Create(std::string(63, 'a')), IsOk());
  EXPECT_THAT(tenants_->Create(std::string(64, 'a')), NamesField("name"));
}

TEST_F(TenantTest, LimitsActiveKeysOfARoleToTwo) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  const auto first = tenants_->CreateKey("acme", v1::KEY_ROLE_USER);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(tenants_->CreateKey("acme", v1::KEY_ROLE_USER), IsOk());
  EXPECT_THAT(tenants_->CreateKey("acme", v1::KEY_ROLE_USER), HasReason("TOO_MANY_KEYS"));
  EXPECT_THAT(tenants_->CreateKey("acme", v1::KEY_ROLE_TENANT_ADMIN), IsOk());
  ASSERT_THAT(tenants_->RevokeKey("acme", first->key.id()), IsOk());
  EXPECT_THAT(tenants_->CreateKey("acme", v1::KEY_ROLE_USER), IsOk());
  EXPECT_THAT(*tenants_->ListKeys("acme"), SizeIs(4));
  EXPECT_THAT(tenants_->Active()->keys, SizeIs(3));
}

TEST_F(TenantTest, StoresTheDigestOfAKeyOnly) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  const auto created = tenants_->CreateKey("acme", v1::KEY_ROLE_USER);
  ASSERT_THAT(created, IsOk());
  const std::string secret = created->secret.Reveal().substr(22);
  ASSERT_THAT(database_->TruncateLog(), IsOk());
  const std::string file = BytesOf(Path());
  EXPECT_EQ(file.find(secret), std::string::npos);
  EXPECT_NE(file.find(Sha256Hex(created->secret.Reveal())), std::string::npos);
}

TEST_F(TenantTest, AnotherTenantsKeyIsNotFound) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  ASSERT_THAT(tenants_->Create("other"), IsOk());
  const auto key = tenants_->CreateKey("acme", v1::KEY_ROLE_USER);
  ASSERT_THAT(key, IsOk());
  EXPECT_THAT(tenants_->RevokeKey("other", key->key.id()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(tenants_->Active()->keys, SizeIs(1));
  EXPECT_THAT(tenants_->CreateKey("nobody", v1::KEY_ROLE_USER),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(TenantTest, AnotherProcessSeesAndChangesTheSameKeys) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  const auto beside = SqliteDatabase::Join(Path());
  ASSERT_THAT(beside, IsOk());
  SqlTenantStore theirs(**beside, clock_);
  const auto key = theirs.CreateKey("acme", v1::KEY_ROLE_USER);
  ASSERT_THAT(key, IsOk());
  EXPECT_THAT(tenants_->Active()->keys, SizeIs(1));
  ASSERT_THAT(tenants_->RevokeKey("acme", key->key.id()), IsOk());
  EXPECT_THAT(theirs.Active()->keys, IsEmpty());
}

TEST_F(TenantTest, JoinRequiresADatabaseOfThisSchema) {
  EXPECT_THAT(SqliteDatabase::Join(folder_.path() + "/none.db"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  ASSERT_THAT(database_->Write([](SqlSession& db) { return db.Script("PRAGMA user_version = 1"); }),
              IsOk());
  EXPECT_THAT(SqliteDatabase::Join(Path()), HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(TenantTest, TenantsAreListedByPage) {
  for (const char* name : {"c", "a", "b"}) ASSERT_THAT(tenants_->Create(name), IsOk());
  const auto first = tenants_->List(2, "");
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(first->tenants, SizeIs(2));
  EXPECT_EQ(first->tenants[0].name(), "a");
  const auto second = tenants_->List(2, first->next_page_token);
  ASSERT_THAT(second, IsOk());
  ASSERT_THAT(second->tenants, SizeIs(1));
  EXPECT_EQ(second->tenants[0].name(), "c");
  EXPECT_EQ(second->next_page_token, "");
  EXPECT_THAT(tenants_->List(2, "b"), NamesField("page_token"));
}

TEST_F(TenantTest, ErasesADeletedTenantFromAllTablesAndFiles) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  ASSERT_THAT(tenants_->CreateKey("acme", v1::KEY_ROLE_USER), IsOk());
  Fill("acme");
  Work();
  ASSERT_THAT(FilesWithCanary(), testing::Not(IsEmpty()));

  ASSERT_THAT(tenants_->BeginDelete("acme"), IsOk());
  const auto erased = eraser_->Run(absl::Seconds(60));

  ASSERT_THAT(erased, IsOk());
  EXPECT_TRUE(*erased);
  EXPECT_THAT(FilesWithCanary(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/blobs/acme"));
  for (const std::string_view table : TablesOfTenants()) {
    EXPECT_EQ(Count("SELECT count(*) FROM " + std::string(table)), 0) << table;
  }
  EXPECT_EQ(Count("SELECT count(*) FROM blob"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM blob_use"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM dead_object"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM event"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM finish"), 0);
  EXPECT_EQ(tenants_->Get("acme")->state(), v1::TENANT_STATE_DELETED);
}

TEST_F(TenantTest, EveryTableWithATenantIsErased) {
  std::vector<std::string> tables;
  ASSERT_THAT(database_->Read([&](SqlSession& db) {
    return db.Query(
        "SELECT DISTINCT s.name FROM sqlite_schema s JOIN pragma_table_info(s.name) c "
        "WHERE s.type = 'table' AND c.name = 'tenant'",
        {}, [&](const SqlRow& row) {
          tables.push_back(row.Text(0));
          return absl::OkStatus();
        });
  }),
              IsOk());
  std::vector<std::string> erased(TablesOfTenants().begin(), TablesOfTenants().end());
  // By the blob store, with the files.
  erased.insert(erased.end(), {"blob", "blob_total", "blob_use", "dead_object"});
  erased.push_back("scrub");  // holds a position, which moves on
  EXPECT_THAT(erased, testing::UnorderedElementsAreArray(tables));
}

TEST_F(TenantTest, KeepsOtherTenants) {
  for (const char* name : {"acme", "other"}) {
    ASSERT_THAT(tenants_->Create(name), IsOk());
    Fill(name);
  }
  ASSERT_THAT(tenants_->BeginDelete("acme"), IsOk());
  ASSERT_THAT(eraser_->Run(absl::Seconds(60)), IsOk());
  EXPECT_THAT(jobs_->List({.tenant = "other"})->jobs, SizeIs(3));
  EXPECT_THAT(catalog_->ListConcepts({.tenant = "other"})->concepts, SizeIs(1));
  EXPECT_THAT(catalog_->ListAdapters({.tenant = "other"})->adapters, SizeIs(1));
  EXPECT_THAT(blobs_->Size("other", Sha256Hex(std::string("other") + kCanary)), IsOk());
}

TEST_F(TenantTest, AWorkerOfADeletedTenantLosesItsLease) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  Fill("acme");
  const Grant held = Work();
  ASSERT_THAT(tenants_->BeginDelete("acme"), IsOk());
  EXPECT_THAT(jobs_->FindLease(held.job.name(), held.lease_id), HasReason("LEASE_LOST"));
  EXPECT_THAT(*Lease(), IsEmpty());
  ASSERT_THAT(eraser_->Run(absl::Seconds(60)), IsOk());
  EXPECT_THAT(jobs_->FindLease(held.job.name(), held.lease_id),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(TenantTest, ACallInProgressWritesNothingForADeletedTenant) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  const auto early = blobs_->Create("acme");  // an upload that began in time
  ASSERT_THAT(early, IsOk());
  ASSERT_THAT((*early)->Append(kCanary), IsOk());
  ASSERT_THAT(tenants_->BeginDelete("acme"), IsOk());
  ASSERT_THAT(eraser_->Run(absl::Seconds(60)), IsOk());

  EXPECT_THAT((*early)->Commit("", "image/png"), HasReason("TENANT_DELETED"));
  v1::JobSpec spec;
  spec.mutable_generate()->set_base_model("baseModels/tiny");
  EXPECT_THAT(
      jobs_->Submit({.key = {"acme", "request-0123456789", "hash"}, .spec = spec, .warnings = {}}),
      HasReason("TENANT_DELETED"));
  EXPECT_THAT(catalog_->SavePicture("acme", {}), HasReason("TENANT_DELETED"));
  EXPECT_THAT(catalog_->CreateConcept({"acme", "request-0123456789", "hash"}, {}),
              HasReason("TENANT_DELETED"));
  EXPECT_THAT(catalog_->CreateAdapter({"acme", "request-0123456789", "hash"}, {}),
              HasReason("TENANT_DELETED"));
  EXPECT_THAT(tenants_->CreateKey("acme", v1::KEY_ROLE_USER), HasReason("TENANT_DELETED"));
  EXPECT_THAT(FilesWithCanary(), IsEmpty());
}

// As an upload whose decoding takes as long: it creates its blob when the deletion has begun.
TEST_F(TenantTest, AnUploadThatBeginsDuringADeletionLeavesNothing) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  ASSERT_THAT(tenants_->BeginDelete("acme"), IsOk());
  EXPECT_THAT(PutBlob(*blobs_, "acme", kCanary, "image/png"), HasReason("TENANT_DELETED"));
  EXPECT_THAT(FilesWithCanary(), IsEmpty());
  ASSERT_THAT(eraser_->Run(absl::Seconds(60)), IsOk());
  EXPECT_THAT(PutBlob(*blobs_, "acme", kCanary, "image/png"), HasReason("TENANT_DELETED"));
  EXPECT_THAT(FilesWithCanary(), IsEmpty());
  EXPECT_EQ(Count("SELECT count(*) FROM blob"), 0);
}

TEST_F(TenantTest, UnfinishedUploadsAndQuarantinedBlobsGoWithTheTenant) {
  for (const char* name : {"acme", "acme-2"}) ASSERT_THAT(tenants_->Create(name), IsOk());
  const auto early = blobs_->Create("acme");
  ASSERT_THAT(early, IsOk());
  ASSERT_THAT((*early)->Append(kCanary), IsOk());
  for (const char* name : {"acme", "acme-2"}) {
    const auto blob = PutBlob(*blobs_, name, std::string(name) + kCanary, "image/png");
    ASSERT_THAT(blob, IsOk());
    ASSERT_THAT(QuarantineDamaged({*objects_, *database_, time_}, RowOf(name, *blob)), IsOk());
  }
  EXPECT_THAT(FilesWithCanary(), SizeIs(3));
  ASSERT_THAT(tenants_->BeginDelete("acme"), IsOk());
  ASSERT_THAT(eraser_->Run(absl::Seconds(60)), IsOk());
  EXPECT_THAT(FilesWithCanary(), ElementsAre(testing::StartsWith("acme-2-")));
}

// As after a crash between the file of a blob and its row.
TEST_F(TenantTest, AStartingServerRemovesFilesOfDeletedTenants) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  ASSERT_THAT(tenants_->BeginDelete("acme"), IsOk());
  ASSERT_THAT(eraser_->Run(absl::Seconds(60)), IsOk());
  const auto restarted = LocalObjects::Open(folder_.path() + "/blobs", files_);
  ASSERT_THAT(restarted, IsOk());
  const auto writer = (*restarted)->Create("acme");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT((*writer)->Append(kCanary), IsOk());
  ASSERT_THAT((*writer)->Put(NewObjectKey("acme", Sha256Hex(kCanary)), ""), IsOk());
  ASSERT_THAT(FilesWithCanary(), SizeIs(1));
  const auto recovery = RecoverBlobs({**restarted, *database_, time_});
  ASSERT_THAT(recovery, IsOk());
  EXPECT_EQ(recovery->erased, 1);
  EXPECT_EQ(recovery->adopted, 0);
  EXPECT_THAT(FilesWithCanary(), IsEmpty());
}

// Each table refuses by itself, whatever a caller checked before.
TEST_F(TenantTest, NoTableTakesRowsOfATenantThatIsNotActive) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  Fill("acme");
  for (const char* state : {"deleting", "deleted"}) {
    ASSERT_THAT(database_->Write([&](SqlSession& db) {
      return db
          .Execute("UPDATE tenant SET state = ? WHERE name = 'acme'", {std::string_view(state)})
          .status();
    }),
                IsOk());
    for (const std::string_view insert : {
             "INSERT INTO blob (tenant, sha256, size_bytes, state, time) "
             "VALUES ('acme', 'x', 1, 'live', 0)",
             "INSERT INTO blob (tenant, sha256, size_bytes, state, time) SELECT tenant, "
             "sha256, 1, 'live', 0 FROM blob WHERE tenant = 'acme' "
             "ON CONFLICT (tenant, sha256) DO UPDATE SET time = 1",
             "INSERT INTO blob_use (tenant, sha256, user) VALUES ('acme', 'x', 'jobs/1')",
             "INSERT INTO request (tenant, request_id, body_hash, resource) "
             "VALUES ('acme', 'r', 'h', 'jobs/1')",
             "INSERT INTO concept (name, tenant, message) VALUES ('c', 'acme', x'')",
             "INSERT INTO adapter (name, tenant, message) VALUES ('a', 'acme', x'')",
             "INSERT INTO picture (tenant, source_sha256, message) "
             "VALUES ('acme', 'x', x'')",
             "INSERT INTO api_key (id, tenant, role, sha256, create_time) "
             "VALUES ('k', 'acme', 'user', 'x', 0)",
         }) {
      EXPECT_THAT(database_->Write([&](SqlSession& db) { return db.Execute(insert).status(); }),
                  HasReason("TENANT_DELETED"))
          << insert;
    }
  }
}

// Events, checkpoints and answers belong to a job, whose state each of these calls checks.
TEST_F(TenantTest, NothingHappensToTheJobsOfATenantThatIsNotActive) {
  ASSERT_THAT(tenants_->Create("acme"), IsOk());
  Fill("acme");
  const Grant held = Work();
  const std::string queued = jobs_->List({.tenant = "acme"})->jobs.at(0).name();
  ASSERT_THAT(tenants_->BeginDelete("acme"), IsOk());
  const int64_t events = Count("SELECT count(*) FROM event");
  const int64_t finishes = Count("SELECT count(*) FROM finish");

  v1::ReportRequest report;
  report.set_job(held.job.name());
  report.set_lease_id(held.lease_id);
  report.set_report_number(1);
  report.add_events()->mutable_progress()->set_step(1);
  report.add_events()->mutable_checkpoint()->set_step(1);
  EXPECT_THAT(jobs_->Report(report), HasReason("LEASE_LOST"));
  v1::FinishRequest finish;
  finish.set_job(held.job.name());
  finish.set_lease_id(held.lease_id);
  finish.mutable_released();
  EXPECT_THAT(jobs_->Finish(finish), HasReason("LEASE_LOST"));
  EXPECT_THAT(jobs_->Cancel("acme", queued), IsOk()) << "changes nothing";
  clock_.Advance(absl::Hours(100));
  EXPECT_EQ(*jobs_->WarnUnserved({}, 100), 0);
  EXPECT_EQ(*jobs_->ReturnExpired(), 0);
  EXPECT_EQ(*jobs_->FailOverdue(), 0);
  EXPECT_THAT(*Lease(), IsEmpty());
  EXPECT_EQ(Count("SELECT count(*) FROM event"), events);
  EXPECT_EQ(Count("SELECT count(*) FROM finish"), finishes);
  EXPECT_EQ(Count("SELECT count(*) FROM job WHERE state IN ('queued', 'running')"), 0);
}

}  // namespace
}  // namespace vico::server
