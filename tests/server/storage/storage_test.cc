#include "server/storage/storage.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "server/postgres/postgres_database.h"
#include "tests/support/fake_clock.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/processes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

class StorageTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Storage>> Open() {
    return Storage::Open({.data = folder_.path()}, clock_, files_, feed_, Log::Off());
  }

  TempFolder folder_;
  FakeClock clock_;
  PosixFiles files_;
  EventFeed feed_;
};

TEST_F(StorageTest, KeepsItsStateAcrossARestart) {
  auto storage = Open();
  ASSERT_THAT(storage, IsOk());
  ASSERT_THAT((*storage)->tenants().Create("acme"), IsOk());
  const auto blob = PutBlob((*storage)->blobs(), "acme", "a picture", "image/png");
  ASSERT_THAT(blob, IsOk());
  SubmitRequest request;
  request.key = {"acme", "request-1", "hash"};
  request.spec.mutable_generate()->set_base_model("baseModels/toy");
  const auto job = (*storage)->jobs().Submit(request);
  ASSERT_THAT(job, IsOk());

  storage->reset();
  storage = Open();
  ASSERT_THAT(storage, IsOk());
  EXPECT_THAT((*storage)->tenants().Get("acme"), IsOk());
  EXPECT_THAT(CheckBlob((*storage)->blobs(), "acme", *blob), IsOk());
  EXPECT_EQ((*storage)->jobs().Get("acme", job->name())->state(), v1::JOB_STATE_QUEUED);
}

TEST_F(StorageTest, RefusesAFolderInUse) {
  const auto first = Open();
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(Open(), HasReason("DATA_FOLDER_IN_USE"));
}

TEST_F(StorageTest, CloseEmptiesTheLogAndLeavesTheStoresUsable) {
  const auto storage = Open();
  ASSERT_THAT(storage, IsOk());
  (*storage)->StartMaintenance();
  ASSERT_THAT((*storage)->tenants().Create("acme"), IsOk());
  const std::string log = folder_.path() + "/vico.db-wal";
  EXPECT_GT(std::filesystem::file_size(log), 0u);
  (*storage)->Close();
  EXPECT_EQ(std::filesystem::file_size(log), 0u);
  EXPECT_THAT((*storage)->tenants().Get("acme"), IsOk());
  EXPECT_THAT((*storage)->Health(), IsOk());
}

TEST_F(StorageTest, ErasesADeletedTenant) {
  const auto storage = Open();
  ASSERT_THAT(storage, IsOk());
  ASSERT_THAT((*storage)->tenants().Create("acme"), IsOk());
  const auto blob = PutBlob((*storage)->blobs(), "acme", "a picture", "image/png");
  ASSERT_THAT((*storage)->tenants().BeginDelete("acme"), IsOk());
  EXPECT_TRUE(*(*storage)->tenant_eraser().Run(absl::InfiniteDuration()));
  EXPECT_EQ((*storage)->tenants().Get("acme")->state(), v1::TENANT_STATE_DELETED);
  EXPECT_THAT(CheckBlob((*storage)->blobs(), "acme", *blob), HasReason("BLOB_MISSING"));
}

class StorageOnPostgresTest : public testing::Test {
 protected:
  ~StorageOnPostgresTest() override { PostgresCluster::OfThisProgram().DropDatabase(url_); }

  absl::StatusOr<std::unique_ptr<Storage>> Open() {
    return Storage::Open({.data = folder_.path(), .postgres = PostgresOptions{.url = url_}}, clock_,
                         files_, feed_, Log::Off());
  }

  const std::string url_ = PostgresCluster::OfThisProgram().NewDatabase();
  TempFolder folder_;
  SystemClock clock_;
  PosixFiles files_;
  EventFeed feed_;
};

TEST_F(StorageOnPostgresTest, WaitsForNoMigrationButSaysWhatToDo) {
  const absl::Status refused = Open().status();
  EXPECT_THAT(refused, HasReason("DATABASE_TOO_OLD"));
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("vico-server migrate"));
}

TEST_F(StorageOnPostgresTest, KeepsHouseAndItsStateAcrossARestart) {
  ASSERT_THAT(PostgresDatabase::Open({.url = url_}), IsOk());
  auto storage = Open();
  ASSERT_THAT(storage, IsOk());
  ASSERT_THAT((*storage)->tenants().Create("acme"), IsOk());
  SubmitRequest request;
  request.key = {"acme", "request-1", "hash"};
  request.spec.mutable_generate()->set_base_model("baseModels/toy");
  const auto job = (*storage)->jobs().Submit(request);
  ASSERT_THAT(job, IsOk());
  EXPECT_FALSE((*storage)->leadership().IsLeader());
  (*storage)->StartMaintenance();
  EXPECT_TRUE(Eventually([&] { return (*storage)->leadership().IsLeader(); }));
  EXPECT_TRUE(Eventually([&] { return (*storage)->Ready().ok(); }));

  storage->reset();
  storage = Open();
  ASSERT_THAT(storage, IsOk());
  EXPECT_EQ((*storage)->jobs().Submit(request)->name(), job->name());
  (*storage)->StartMaintenance();
  EXPECT_TRUE(Eventually([&] { return (*storage)->leadership().IsLeader(); }));
}

}  // namespace
}  // namespace vico::server
