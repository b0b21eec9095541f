// A database, a folder of blobs and the store over both.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "common/sha256.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/local_blob_files.h"
#include "server/blobs/tracked_blob_store.h"
#include "server/sql/sqlite_database.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {

class BlobTest : public testing::Test {
 protected:
  BlobTest() { Open(); }

  /// Opens the stores, or opens them again as after a restart of the server.
  void Open() {
    store_.reset();
    files_.reset();
    database_.reset();
    auto database = SqliteDatabase::Open(folder_.path() + "/vico.db");
    EXPECT_THAT(database, IsOk());
    database_ = *std::move(database);
    auto files = LocalBlobFiles::Open(folder_.path() + "/blobs", disk_);
    EXPECT_THAT(files, IsOk());
    files_ = *std::move(files);
    store_ = std::make_unique<TrackedBlobStore>(*files_, *database_, time_);
  }

  v1::BlobRef Put(const std::string& bytes, const std::string& tenant = "default") {
    const auto blob = PutBlob(*store_, tenant, bytes, "text/plain");
    EXPECT_THAT(blob, IsOk());
    return blob.ok() ? *blob : v1::BlobRef();
  }

  absl::Status Name(const std::string& user, const std::vector<v1::BlobRef>& blobs) {
    return database_->Write([&](SqlSession& db) { return NameBlobs(db, "default", user, blobs); });
  }

  absl::Status Unname(const std::string& user) {
    return database_->Write(
        [&](SqlSession& db) { return UnnameBlobs(db, time_.Now(), "default", user); });
  }

  absl::Status Sql(const char* script) {
    return database_->Write([&](SqlSession& db) { return db.Script(script); });
  }

  std::string PathOf(const v1::BlobRef& blob, const std::string& tenant = "default") const {
    return folder_.path() + "/blobs/" + tenant + "/" + blob.sha256().substr(0, 2) + "/" +
           blob.sha256();
  }

  bool HasFile(const v1::BlobRef& blob) const { return std::filesystem::exists(PathOf(blob)); }
  bool IsHere(const v1::BlobRef& blob) { return CheckBlob(*store_, "default", blob).ok(); }

  /// Changes one byte of the file.
  void Damage(const v1::BlobRef& blob) const {
    std::filesystem::permissions(PathOf(blob), std::filesystem::perms::owner_all);
    std::fstream file(PathOf(blob), std::ios::in | std::ios::out | std::ios::binary);
    const int first = file.get();
    file.seekp(0);
    file.put(static_cast<char>(first ^ 1));
  }

  std::string StateOf(const v1::BlobRef& blob) {
    std::string state = "none";
    EXPECT_THAT(database_->Read([&](SqlSession& db) {
      return db.Query("SELECT state FROM blob WHERE sha256 = ?", {blob.sha256()},
                      [&](const SqlRow& row) {
                        state = row.Text(0);
                        return absl::OkStatus();
                      });
    }),
                IsOk());
    return state;
  }

  TempFolder folder_;
  FakeClock clock_;
  const StoreClock time_{clock_};
  PosixFiles disk_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<LocalBlobFiles> files_;
  std::unique_ptr<TrackedBlobStore> store_;
};

}  // namespace vico::server
