// A database, objects in a folder or in a bucket, and the store over both.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "common/crypto/sha256.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/tracked_blob_store.h"
#include "server/objects/local_objects.h"
#include "server/objects/object_key.h"
#include "tests/server/blob_file.h"
#include "tests/server/s3/bucket.h"
#include "tests/server/store/store_backends.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {

/// Which database and which objects a suite runs on.
struct BlobBackend {
  StoreBackend store;
  bool s3 = false;

  friend std::ostream& operator<<(std::ostream& out, const BlobBackend& backend) {
    return out << backend.store.name << (backend.s3 ? "_s3" : "_folder");
  }
};

inline auto BlobBackends() {
  return testing::Values(BlobBackend{SqliteBackend(), false}, BlobBackend{PostgresBackend(), false},
                         BlobBackend{SqliteBackend(), true}, BlobBackend{PostgresBackend(), true});
}

inline std::string BlobBackendName(const testing::TestParamInfo<BlobBackend>& info) {
  return testing::PrintToString(info.param);
}

/// The parts of a test; a suite derives from BlobTest or from LocalBlobTest.
class BlobTestBase {
 protected:
  explicit BlobTestBase(BlobBackend backend) : backend_(std::move(backend)) {
    if (backend_.s3) bucket_ = std::make_unique<BucketFolder>();
    Open();
  }

  /// Opens the stores, or opens them again as after a restart of the server.
  void Open() {
    store_.reset();
    objects_.reset();
    database_.reset();
    auto database = backend_.store.open(folder_.path());
    EXPECT_THAT(database, IsOk());
    database_ = *std::move(database);
    if (backend_.s3) {
      objects_ = std::make_unique<S3Objects>(bucket_->options(), folder_.path(), clock_);
    } else {
      auto objects = LocalObjects::Open(folder_.path() + "/blobs", disk_);
      EXPECT_THAT(objects, IsOk());
      objects_ = *std::move(objects);
    }
    store_ = std::make_unique<TrackedBlobStore>(Parts());
  }

  bool on_s3() const { return backend_.s3; }

  BlobParts Parts() { return {*objects_, *database_, time_}; }

  /// Stores an object without a row. Returns its key.
  std::string PutObject(const std::string& bytes, const std::string& tenant = "default") {
    const auto writer = objects_->Create(tenant);
    EXPECT_THAT(writer, IsOk());
    EXPECT_THAT((*writer)->Append(bytes), IsOk());
    std::string key = NewObjectKey(tenant, Sha256Hex(bytes));
    EXPECT_THAT((*writer)->Put(key, Sha256Hex(bytes)), IsOk());
    return key;
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

  int64_t Count(const char* sql) {
    int64_t count = -1;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(count, db.QueryInt(sql, {}, -1));
      return absl::OkStatus();
    }),
                IsOk());
    return count;
  }

  /// The keys of all objects, of the blob only if there is one.
  std::vector<std::string> Keys(const v1::BlobRef& blob = {}) const {
    std::vector<std::string> keys;
    EXPECT_THAT(objects_->List([&](const ObjectInfo& object) {
      if (object.key.find(blob.sha256()) != std::string::npos) keys.push_back(object.key);
      return absl::OkStatus();
    }),
                IsOk());
    return keys;
  }

  bool HasObject(const v1::BlobRef& blob) const { return !Keys(blob).empty(); }
  bool IsHere(const v1::BlobRef& blob) { return CheckBlob(*store_, "default", blob).ok(); }

  /// Puts other bytes in the place of the blob's object.
  void Overwrite(const v1::BlobRef& blob, const std::string& bytes) {
    const std::vector<std::string> keys = Keys(blob);
    ASSERT_EQ(keys.size(), 1u);
    if (on_s3()) return bucket_->Put(keys[0], bytes);
    std::ofstream(folder_.path() + "/blobs" + *LocalPathOf(keys[0]),
                  std::ios::binary | std::ios::trunc)
        << bytes;
  }

  void Lose(const v1::BlobRef& blob) {
    for (const std::string& key : Keys(blob)) ASSERT_THAT(objects_->Remove(key), IsOk());
  }

  /// Changes one byte of the object.
  void Damage(const v1::BlobRef& blob) {
    const std::vector<std::string> keys = Keys(blob);
    ASSERT_EQ(keys.size(), 1u);
    const auto reader = objects_->Open(keys[0], blob.size_bytes());
    ASSERT_THAT(reader, IsOk());
    auto bytes = (*reader)->Read(0, blob.size_bytes());
    ASSERT_THAT(bytes, IsOk());
    bytes->front() = static_cast<char>(bytes->front() ^ 1);
    Overwrite(blob, *bytes);
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

  const BlobBackend backend_;
  TempFolder folder_;
  FakeClock clock_;
  const StoreClock time_{clock_};
  PosixFiles disk_;
  std::unique_ptr<BucketFolder> bucket_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<TrackedBlobStore> store_;
};

/// On each of BlobBackends().
class BlobTest : public testing::TestWithParam<BlobBackend>, protected BlobTestBase {
 protected:
  BlobTest() : BlobTestBase(GetParam()) {}
};

/// On SQLite and a folder.
class LocalBlobTest : public testing::Test, protected BlobTestBase {
 protected:
  LocalBlobTest() : BlobTestBase({SqliteBackend(), false}) {}

  std::string PathOf(const v1::BlobRef& blob, const std::string& tenant = "default") const {
    return BlobFile(folder_.path(), tenant, blob.sha256());
  }

  bool HasFile(const v1::BlobRef& blob) const { return std::filesystem::exists(PathOf(blob)); }
};

}  // namespace vico::server
