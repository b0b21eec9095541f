// DeleteTenant while calls of the tenant are in the middle of each of their phases: when it says
// "deleted", no row and no file of the tenant exists, and none appears later.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/server/adapter_parts.h"
#include "tests/server/secure_fixture.h"

namespace vico::server {
namespace {

constexpr int kHoldMs = 1500;

/// What the tenant's client or worker does, and where it is held.
struct Phase {
  const char* name;
  const char* failpoint;
  int hit;  ///< tokenizer files of the base model are the first two blobs
};

std::ostream& operator<<(std::ostream& out, const Phase& phase) { return out << phase.name; }

/// Arms the failpoint before the server of the fixture starts. A process reads it once, so each
/// test needs a process of its own, as ctest gives it.
class Armed : public testing::WithParamInterface<Phase> {
 protected:
  Armed() {
    const std::string spec =
        fmt::format("{}=sleep({})@{}", GetParam().failpoint, kHoldMs, GetParam().hit);
    setenv("VICO_FAILPOINTS", spec.c_str(), 1);
    setenv("VICO_FAILPOINT_HITS", Hits().c_str(), 1);
  }
  std::string Hits() const { return hits_.path() + "/hits"; }

  bool IsHeld() const {
    std::ifstream file(Hits());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.find(fmt::format("{} sleep", GetParam().failpoint)) != std::string::npos;
  }

 private:
  TempFolder hits_;
};

class TenantScan : public SecureServerTest {
 protected:
  TenantScan() { EXPECT_THAT(Register(), IsOk()); }

  v1::Tenant DeleteAcme() {
    Call call;
    v1::DeleteTenantRequest request;
    request.set_name("acme");
    v1::Tenant tenant;
    EXPECT_THAT(FromGrpc(admin_->DeleteTenant(&call, request, &tenant)), IsOk());
    return tenant;
  }

  /// The number of rows of the tenant, by a look at every table.
  std::vector<std::string> Rows() const {
    std::vector<std::string> found;
    const auto database = SqliteDatabase::Join(data_ + "/vico.db");
    EXPECT_THAT(database, IsOk());
    EXPECT_THAT((*database)->Read([&](SqlSession& db) -> absl::Status {
      std::vector<std::string> tables;
      RETURN_IF_ERROR(
          db.Query("SELECT DISTINCT s.name FROM sqlite_schema s JOIN pragma_table_info(s.name) c "
                   "WHERE s.type = 'table' AND c.name = 'tenant' AND s.name <> 'scrub'",
                   {}, [&](const SqlRow& row) {
                     tables.push_back(row.Text(0));
                     return absl::OkStatus();
                   }));
      for (const std::string& table : tables) {
        ASSIGN_OR_RETURN(
            const int64_t rows,
            db.QueryInt(fmt::format("SELECT count(*) FROM {} WHERE tenant = 'acme'", table), {},
                        0));
        if (rows > 0) found.push_back(fmt::format("{} of {}", rows, table));
      }
      // Only the tenant has jobs.
      for (const std::string_view table : {"event", "finish"}) {
        ASSIGN_OR_RETURN(const int64_t rows,
                         db.QueryInt(fmt::format("SELECT count(*) FROM {}", table), {}, 0));
        if (rows > 0) found.push_back(fmt::format("{} of {}", rows, table));
      }
      return absl::OkStatus();
    }),
                IsOk());
    return found;
  }

  std::vector<std::string> FilesOfAcme() const {
    std::vector<std::string> files;
    for (const char* folder : {"/blobs/acme", "/blobs/.incoming", "/quarantine"}) {
      std::error_code error;
      for (std::filesystem::recursive_directory_iterator it(data_ + folder, error), end;
           !error && it != end; it.increment(error)) {
        if (it->is_regular_file(error)) files.push_back(it->path().string());
      }
    }
    return files;
  }

  absl::StatusOr<v1::Adapter> Import() {
    const std::string file = AdapterParts().Bytes();
    const std::string reference = TwoPictures()[0];
    Call call;
    v1::Adapter adapter;
    const auto writer = adapters_->ImportAdapter(&call, &adapter);
    v1::ImportAdapterRequest request;
    auto& header = *request.mutable_header();
    header.set_request_id(RequestId());
    header.set_size_bytes(file.size());
    header.set_sha256(Sha256Hex(file));
    header.set_reference_size_bytes(reference.size());
    header.set_reference_sha256(Sha256Hex(reference));
    bool open = writer->Write(request);
    for (const auto* bytes : {&file, &reference}) {
      request.mutable_chunk()->set_reference(bytes == &reference);
      request.mutable_chunk()->set_data(*bytes);
      open = open && writer->Write(request);
    }
    writer->WritesDone();
    const absl::Status status = FromGrpc(writer->Finish());
    if (!status.ok()) return status;
    return adapter;
  }

  absl::Status UploadOnce() {
    const auto pictures = TwoPictures();
    return Upload(Header(pictures), {{0, pictures[0]}, {1, pictures[1]}}).status();
  }

  /// A training from its submission to its adapter, with a sample and a checkpoint.
  absl::Status TrainOnce() {
    const auto pictures = TwoPictures();
    ASSIGN_OR_RETURN(const auto uploaded,
                     Upload(Header(pictures), {{0, pictures[0]}, {1, pictures[1]}}));
    RETURN_IF_ERROR(Create(TrainingOf(uploaded.uploaded_concept())).status());
    ASSIGN_OR_RETURN(const v1::LeaseResponse leased, Lease(std::chrono::seconds(1)));
    if (leased.jobs_size() == 0) return absl::AbortedError("no job");
    const v1::LeasedJob& job = leased.jobs(0);
    v1::Event checkpoint;
    checkpoint.mutable_checkpoint()->set_step(1);
    ASSIGN_OR_RETURN(*checkpoint.mutable_checkpoint()->mutable_blob(),
                     Put("a checkpoint " + job.job(), "application/octet-stream", job));
    RETURN_IF_ERROR(Report(job, 1, {ProgressAt(1), checkpoint}).status());
    v1::FinishRequest finish;
    ASSIGN_OR_RETURN(*finish.mutable_trained()->mutable_adapter(),
                     Put("an adapter " + job.job(), "application/vnd.safetensors", job));
    *finish.mutable_trained()->mutable_reference() = job.pictures(0).blob();
    return Finish(finish, job).status();
  }
};

/// The order of bases matters: the failpoint is armed first.
class HeldTest : public Armed, public TenantScan {
 protected:
  /// Runs `work`, deletes the tenant while it is held, and scans before and after it ends.
  void DeleteDuring(const std::function<absl::Status()>& work) {
    absl::Status status;
    std::thread held([&] { status = work(); });
    const bool is_held = Eventually([&] { return IsHeld(); });
    const auto begun = std::chrono::steady_clock::now();
    const v1::Tenant tenant = DeleteAcme();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begun);
    const auto rows = Rows();
    const auto files = FilesOfAcme();
    held.join();
    std::printf("%s: deleted after %lld ms; the call ended with %s\n", GetParam().name,
                static_cast<long long>(took.count()), std::string(status.message()).c_str());
    EXPECT_TRUE(is_held) << "the call was never at " << GetParam().failpoint << ": " << status;
    EXPECT_EQ(tenant.state(), v1::TENANT_STATE_DELETED);
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(rows, testing::IsEmpty()) << "when the deletion was said to be over";
    EXPECT_THAT(files, testing::IsEmpty()) << "when the deletion was said to be over";
    server_.reset();  // waits for the handler, which is held although its call has ended
    EXPECT_THAT(Rows(), testing::IsEmpty()) << "after the call";
    EXPECT_THAT(FilesOfAcme(), testing::IsEmpty()) << "after the call";
  }
};

class HeldUploadTest : public HeldTest {};
TEST_P(HeldUploadTest, LeavesNothing) {
  DeleteDuring([&] { return UploadOnce(); });
}
INSTANTIATE_TEST_SUITE_P(Phases, HeldUploadTest,
                         testing::Values(Phase{"decoded", "blob.before_create", 3},
                                         Phase{"written", "blob.before_fsync", 3},
                                         Phase{"renamed", "blob.after_rename", 3},
                                         Phase{"stored", "blob.before_row", 3},
                                         Phase{"picture", "picture.before_row", 1},
                                         Phase{"second_picture", "blob.before_create", 4},
                                         Phase{"complete", "catalog.before_row", 1}),
                         [](const auto& info) { return info.param.name; });

class HeldImportTest : public HeldTest {};
TEST_P(HeldImportTest, LeavesNothing) {
  DeleteDuring([&] { return Import().status(); });
}
INSTANTIATE_TEST_SUITE_P(Phases, HeldImportTest,
                         testing::Values(Phase{"begun", "blob.before_create", 3},
                                         Phase{"written", "blob.before_fsync", 3},
                                         Phase{"stored", "blob.before_row", 3},
                                         Phase{"reference", "blob.before_create", 4},
                                         Phase{"complete", "catalog.before_row", 1}),
                         [](const auto& info) { return info.param.name; });

// Blobs 3 and 4 are the pictures of the concept, 5 is the checkpoint and 6 the adapter.
class HeldJobTest : public HeldTest {};
TEST_P(HeldJobTest, LeavesNothing) {
  DeleteDuring([&] { return TrainOnce(); });
}
INSTANTIATE_TEST_SUITE_P(Phases, HeldJobTest,
                         testing::Values(Phase{"submitted", "submit.before_row", 1},
                                         Phase{"checkpoint_begun", "blob.before_create", 5},
                                         Phase{"checkpoint_written", "blob.before_fsync", 5},
                                         Phase{"checkpoint_stored", "blob.before_row", 5},
                                         Phase{"reported", "report.before_row", 1},
                                         Phase{"result_begun", "blob.before_create", 6},
                                         Phase{"result_stored", "blob.before_row", 6},
                                         Phase{"finished", "finish.before_row", 1}),
                         [](const auto& info) { return info.param.name; });

class DeletionUnderLoadTest : public TenantScan {};

TEST_F(DeletionUnderLoadTest, LeavesNothing) {
  std::atomic<bool> stop{false};
  std::atomic<int> done{0};
  std::vector<std::thread> callers;
  const std::vector<std::function<absl::Status()>> works = {
      [&] { return UploadOnce(); }, [&] { return Import().status(); }, [&] { return TrainOnce(); }};
  for (size_t i = 0; i < 6; ++i) {
    callers.emplace_back([&, i] {
      while (!stop) done += works[i % works.size()]().ok() ? 1 : 0;
    });
  }
  const bool busy = Eventually([&] { return done >= 6; });
  const v1::Tenant tenant = DeleteAcme();
  const auto rows = Rows();
  stop = true;
  for (std::thread& caller : callers) caller.join();
  std::printf("deleted after %d calls\n", done.load());
  EXPECT_TRUE(busy);
  EXPECT_EQ(tenant.state(), v1::TENANT_STATE_DELETED);
  EXPECT_THAT(rows, testing::IsEmpty());
  server_.reset();
  EXPECT_THAT(Rows(), testing::IsEmpty());
  EXPECT_THAT(FilesOfAcme(), testing::IsEmpty());
}

}  // namespace
}  // namespace vico::server
