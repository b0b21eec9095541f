#include "server/blobs/blob_store.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "common/crypto/sha256.h"
#include "server/blobs/tracked_blob_store.h"
#include "server/objects/local_objects.h"
#include "server/sql/sqlite_database.h"
#include "tests/server/blobs/blob_fixture.h"
#include "tests/server/blobs/faulty_files.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

namespace fs = std::filesystem;

class BlobStoreTest : public BlobTest {};

TEST_P(BlobStoreTest, ReadsABlobAsWritten) {
  const auto writer = store_->Create("default");
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT((*writer)->Append("hello, "), IsOk());
  ASSERT_THAT((*writer)->Append("world"), IsOk());
  const std::string digest = Sha256Hex("hello, world");
  const auto ref = (*writer)->Commit(digest, "text/plain");

  ASSERT_THAT(ref, IsOk());
  EXPECT_EQ(ref->sha256(), digest);
  EXPECT_EQ(ref->size_bytes(), 12u);
  EXPECT_EQ(ref->media_type(), "text/plain");
  EXPECT_EQ(*GetBlob(*store_, "default", digest, 12), "hello, world");
  EXPECT_EQ(*store_->Size("default", digest), 12u);
  EXPECT_THAT(CheckBlob(*store_, "default", *ref), IsOk());
}

TEST_P(BlobStoreTest, StoresAnEmptyBlob) {
  const auto ref = PutBlob(*store_, "default", "", "");
  ASSERT_THAT(ref, IsOk());
  EXPECT_EQ(*GetBlob(*store_, "default", ref->sha256(), 0), "");
}

TEST_P(BlobStoreTest, ReadsRangesUpToTheEnd) {
  const auto ref = PutBlob(*store_, "default", "0123456789", "");
  const auto reader = store_->Open("default", ref->sha256());
  ASSERT_THAT(reader, IsOk());
  EXPECT_EQ((*reader)->size_bytes(), 10u);
  EXPECT_EQ(*(*reader)->Read(0, 4), "0123");
  EXPECT_EQ(*(*reader)->Read(8, 4), "89");
  EXPECT_EQ(*(*reader)->Read(10, 4), "");
  EXPECT_EQ(*(*reader)->Read(UINT64_MAX, UINT64_MAX), "");
  EXPECT_EQ(*(*reader)->Read(3, UINT64_MAX), "3456789");
}

TEST_P(BlobStoreTest, StoresTheSameBytesOnce) {
  ASSERT_THAT(PutBlob(*store_, "default", "twice", ""), IsOk());
  ASSERT_THAT(PutBlob(*store_, "default", "twice", ""), IsOk());
  EXPECT_EQ(Keys().size(), 1u);
}

TEST_P(BlobStoreTest, SeparatesTenants) {
  const auto ref = PutBlob(*store_, "theirs", "secret", "");
  EXPECT_THAT(store_->Open("ours", ref->sha256()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_->Size("ours", ref->sha256()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(CheckBlob(*store_, "ours", *ref), HasReason("BLOB_MISSING"));
  ASSERT_THAT(store_->Remove("ours", ref->sha256()), IsOk());
  EXPECT_EQ(*GetBlob(*store_, "theirs", ref->sha256(), 100), "secret");
}

TEST_P(BlobStoreTest, AWrongDigestLeavesNothing) {
  const auto writer = store_->Create("default");
  ASSERT_THAT((*writer)->Append("these"), IsOk());
  const auto ref = (*writer)->Commit(Sha256Hex("those"), "");
  EXPECT_THAT(ref, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ref, HasReason("DIGEST_MISMATCH"));
  EXPECT_EQ(Keys().size(), 0u);
}

TEST_P(BlobStoreTest, RefusesWritesAfterCommit) {
  const auto writer = store_->Create("default");
  ASSERT_THAT((*writer)->Commit("", ""), IsOk());
  EXPECT_THAT((*writer)->Append("more"), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT((*writer)->Commit("", ""), HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_P(BlobStoreTest, DetectsChangedBytes) {
  const auto ref = PutBlob(*store_, "default", "truth", "");
  const std::string& digest = ref->sha256();
  Overwrite(*ref, "trust");
  EXPECT_THAT(GetBlob(*store_, "default", digest, 100), HasCode(absl::StatusCode::kDataLoss));
}

TEST_P(BlobStoreTest, RefusesABlobAboveTheLimit) {
  const auto ref = PutBlob(*store_, "default", "12345", "");
  EXPECT_THAT(GetBlob(*store_, "default", ref->sha256(), 4),
              HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_P(BlobStoreTest, ABlobOfAnotherSizeIsMissing) {
  auto ref = PutBlob(*store_, "default", "12345", "");
  ref->set_size_bytes(4);
  EXPECT_THAT(CheckBlob(*store_, "default", *ref), HasReason("BLOB_MISSING"));
}

TEST_P(BlobStoreTest, RefusesMalformedTenantsAndDigests) {
  const std::string digest = Sha256Hex("x");
  for (const std::string& tenant :
       {std::string(), std::string(".."), std::string("../default"), std::string("a/b"),
        std::string("A"), std::string(".incoming"), std::string("a\0b", 3), std::string(64, 'a')}) {
    EXPECT_THAT(store_->Create(tenant), NamesField("tenant"));
    EXPECT_THAT(store_->Open(tenant, digest), NamesField("tenant"));
  }
  for (const std::string& bad :
       {std::string(), std::string("../../etc/passwd"), digest + "/", digest.substr(1),
        "." + digest.substr(1), "A" + digest.substr(1)}) {
    EXPECT_THAT(store_->Open("default", bad), NamesField("sha256"));
    EXPECT_THAT(store_->Size("default", bad), NamesField("sha256"));
    EXPECT_THAT(store_->Remove("default", bad), NamesField("sha256"));
  }
}

// Fails each file operation of an upload in turn, until an upload succeeds.
// What a remote store cannot promise is said in blob_store.h.
TEST_P(BlobStoreTest, AReaderOfARemovedBlobHasItsBytesOrSaysThatItIsGone) {
  const auto ref = PutBlob(*store_, "default", "going", "");
  const auto reader = store_->Open("default", ref->sha256());
  ASSERT_THAT(store_->Remove("default", ref->sha256()), IsOk());
  EXPECT_THAT(store_->Open("default", ref->sha256()), HasCode(absl::StatusCode::kNotFound));
  const auto bytes = (*reader)->Read(0, 5);
  if (on_s3()) {
    EXPECT_THAT(bytes, HasReason("BLOB_NOT_FOUND"));
  } else {
    EXPECT_EQ(*bytes, "going");
  }
  EXPECT_THAT(store_->Remove("default", ref->sha256()), IsOk());
}

TEST_P(BlobStoreTest, ReadsALargeBlobInPiecesOfAnySize) {
  std::string bytes(9'000'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  const auto ref = PutBlob(*store_, "default", bytes, "");
  ASSERT_THAT(ref, IsOk());
  for (const uint64_t piece : {uint64_t{65536}, uint64_t{1'000'003}, uint64_t{20'000'000}}) {
    const auto reader = store_->Open("default", ref->sha256());
    ASSERT_THAT(reader, IsOk());
    std::string read;
    while (read.size() < bytes.size()) {
      const auto next = (*reader)->Read(read.size(), piece);
      ASSERT_THAT(next, IsOk());
      read += *next;
    }
    EXPECT_TRUE(read == bytes) << piece;
  }
}

TEST_P(BlobStoreTest, MapsTheBytesBeforeTheCommit) {
  const auto writer = store_->Create("default");
  ASSERT_THAT((*writer)->Append("hello, "), IsOk());
  ASSERT_THAT((*writer)->Append("world"), IsOk());
  const auto mapped = (*writer)->Map();
  ASSERT_THAT(mapped, IsOk());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped->bytes.data()), mapped->bytes.size()),
            "hello, world");
  EXPECT_THAT((*writer)->Commit("", ""), IsOk());
}

INSTANTIATE_TEST_SUITE_P(Backends, BlobStoreTest, BlobBackends(), BlobBackendName);

/// The order of the operations on files, and faults of the disk.
class LocalBlobStoreTest : public testing::Test {
 protected:
  LocalBlobStoreTest() { Open(); }

  void Open() {
    store_.reset();
    objects_.reset();
    database_.reset();
    objects_ = *LocalObjects::Open(root_, files_);
    database_ = *SqliteDatabase::Open(folder_.path() + "/vico.db");
    store_ = std::make_unique<TrackedBlobStore>(BlobParts{*objects_, *database_, time_});
  }

  /// All files below the root, unfinished uploads included.
  int FilesOnDisk() const {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  TempFolder folder_;
  const std::string root_ = folder_.path() + "/blobs";
  FaultyFiles files_;
  FakeClock clock_;
  const StoreClock time_{clock_};
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<TrackedBlobStore> store_;
};

TEST_F(LocalBlobStoreTest, AnAbandonedUploadLeavesNothing) {
  {
    const auto writer = store_->Create("default");
    ASSERT_THAT((*writer)->Append("half of it"), IsOk());
    EXPECT_EQ(FilesOnDisk(), 1);
  }
  EXPECT_EQ(FilesOnDisk(), 0);
}

TEST_F(LocalBlobStoreTest, OpenRemovesUnfinishedUploads) {
  const auto ref = PutBlob(*store_, "default", "whole", "");
  std::ofstream(root_ + "/.incoming/abc") << "half";
  ASSERT_EQ(FilesOnDisk(), 2);
  Open();
  EXPECT_EQ(FilesOnDisk(), 1);
  EXPECT_EQ(*GetBlob(*store_, "default", ref->sha256(), 100), "whole");
}

TEST_F(LocalBlobStoreTest, AReaderStaysValidAfterRemoval) {
  const auto ref = PutBlob(*store_, "default", "going", "");
  const auto reader = store_->Open("default", ref->sha256());
  ASSERT_THAT(store_->Remove("default", ref->sha256()), IsOk());
  EXPECT_THAT(store_->Open("default", ref->sha256()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(*(*reader)->Read(0, 5), "going");
  EXPECT_THAT(store_->Remove("default", ref->sha256()), IsOk());
}

TEST_F(LocalBlobStoreTest, SurvivesAFullDiskAtEveryOperation) {
  for (const auto fault : {FaultyFiles::Fault::kFail, FaultyFiles::Fault::kTear}) {
    bool through = false;
    for (int operation = 0; !through; ++operation) {
      ASSERT_LT(operation, 20);
      const std::string bytes = fmt::format("blob {} {}", static_cast<int>(fault), operation);
      const int before = FilesOnDisk();
      files_.BreakAt(operation, fault);
      const auto ref = PutBlob(*store_, "default", bytes, "");
      const std::vector<std::string> log = files_.log();
      files_.Heal();
      through = ref.ok();
      if (through) break;

      EXPECT_THAT(ref, HasReason("DISK_FULL"));
      const bool renamed = std::count(log.begin(), log.end(), "rename") > 0 &&
                           log.back().rfind("sync folder", 0) == 0;
      EXPECT_EQ(FilesOnDisk(), before + (renamed ? 1 : 0))
          << "only a whole blob whose folder was not synced may stay";
      EXPECT_THAT(PutBlob(*store_, "default", bytes, ""), IsOk()) << "a second try works";
      EXPECT_EQ(*GetBlob(*store_, "default", Sha256Hex(bytes), 100), bytes);
    }
  }
}

TEST_F(LocalBlobStoreTest, BytesThatAreLostWithoutAnErrorMakeNoBlob) {
  files_.LoseBytes();
  EXPECT_THAT(PutBlob(*store_, "default", "ten bytes!", ""),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(FilesOnDisk(), 0);
  files_.Heal();
  EXPECT_THAT(PutBlob(*store_, "default", "ten bytes!", ""), IsOk());
  EXPECT_EQ(*GetBlob(*store_, "default", Sha256Hex("ten bytes!"), 100), "ten bytes!");
}

TEST_F(LocalBlobStoreTest, AFileSizeLimitIsReportedAndLeavesNothing) {
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit small = old;
  small.rlim_cur = 1 << 16;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto ref = PutBlob(*store_, "default", std::string(1 << 17, 'x'), "");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(ref, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(FilesOnDisk(), 0);
}

TEST_F(LocalBlobStoreTest, SyncsBytesBeforeTheRenameAndTheNameBeforeTheAnswer) {
  files_.BreakAt(1000);
  files_.Heal();
  const auto ref = PutBlob(*store_, "default", "in order", "");
  ASSERT_THAT(ref, IsOk());
  const auto& log = files_.log();
  const auto at = [&](const std::string& name) {
    return std::find(log.begin(), log.end(), name) - log.begin();
  };
  EXPECT_LT(at("append"), at("sync"));
  EXPECT_LT(at("sync"), at("rename"));
  EXPECT_LT(at("rename"), at("sync folder " + ref->sha256().substr(0, 2)));
  EXPECT_LT(at("sync folder " + ref->sha256().substr(0, 2)), static_cast<long>(log.size()));
  EXPECT_LT(at("sync folder default"), at("rename")) << "the folder's own name, too";
}

}  // namespace
}  // namespace vico::server
