#include "tests/fault/power_loss/power_loss_run.h"

#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "server/blobs/blob_store_local.h"
#include "server/sql/database.h"
#include "server/jobs/event_feed.h"
#include "server/store/sql_job_store.h"
#include "tests/fault/checker.h"
#include "tests/fault/power_loss/script.h"
#include "tests/fault/power_loss/shadow_files.h"
#include "tests/fault/power_loss/shadow_vfs.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_folder.h"

namespace vico {

using server::Database;
using server::EventFeed;
using server::LocalBlobStore;
using server::PosixFiles;
using server::SqlJobStore;

namespace {

std::string_view NameOf(Loss loss) {
  switch (loss) {
    case Loss::kDrop:
      return "lost";
    case Loss::kReorder:
      return "out of order";
    case Loss::kTear:
      return "torn";
  }
  return "";
}

/// Starts the stores on what is left, and judges it.
std::vector<std::string> JudgeAfter(const std::string& folder, const History& history) {
  {
    const auto database = Database::Open(folder + "/vico.db");
    if (!database.ok()) return {"the database does not open: " + database.status().ToString()};
    PosixFiles files;
    const auto blobs = LocalBlobStore::Open(folder + "/blobs", files);
    if (!blobs.ok()) return {"the blobs do not open: " + blobs.status().ToString()};
    const FakeClock clock;
    EventFeed feed;
    const auto jobs = SqlJobStore::Open(**database, clock, feed, {});
    if (!jobs.ok()) return {"the queue does not open: " + jobs.status().ToString()};
  }
  const auto snapshot = ReadSnapshot(folder);
  if (!snapshot.ok()) return {"what is left cannot be read: " + snapshot.status().ToString()};
  return Check(history, *snapshot, {.all_ended = false});
}

class Failures {
 public:
  Failures(const DiskRecorder& disk, const History& history, const PowerLossOptions& options,
           PowerLossResult& result)
      : disk_(disk), history_(history), options_(options), result_(result), replay_(disk.calls()) {}

  void Loop() {
    for (int64_t count = 0; count <= disk_.count() && result_.violations.empty(); ++count) {
      replay_.GoTo(count);
      const bool last = count == disk_.count();
      if (last || IsSync(disk_.calls()[static_cast<size_t>(count)].kind)) Fail(Loss::kDrop, count);
      if (!last && count % options_.stride != 0) continue;
      Fail(Loss::kReorder, count);
      Fail(Loss::kTear, count);
    }
  }

 private:
  static bool IsSync(DiskCall::Kind kind) {
    return kind == DiskCall::Kind::kSync || kind == DiskCall::Kind::kFailedSync ||
           kind == DiskCall::Kind::kSyncFolder;
  }

  void Fail(Loss loss, int64_t count) {
    if (!result_.violations.empty()) return;
    ++result_.failures;
    const TempFolder folder;
    replay_.Restore(loss, options_.seed + static_cast<uint64_t>(count), folder.path());
    for (const std::string& wrong : JudgeAfter(folder.path(), Until(history_, count))) {
      result_.violations.push_back(fmt::format("power failed after {} of {} calls, writes {}: {}",
                                               count, disk_.count(), NameOf(loss), wrong));
    }
  }

  const DiskRecorder& disk_;
  const History& history_;
  const PowerLossOptions& options_;
  PowerLossResult& result_;
  DiskReplay replay_;
};

}  // namespace

PowerLossResult RunPowerLoss(const PowerLossOptions& options) {
  const TempFolder folder;
  DiskRecorder disk;
  disk.FailSync(options.failed_sync);
  History history;
  {
    const ShadowVfs vfs(disk, folder.path());
    ShadowFiles files(disk, folder.path());
    history = RunScript(disk, files, folder.path(), options.jobs);
  }
  PowerLossResult result;
  result.calls = disk.count();
  result.syncs = disk.syncs();
  int submitted = 0;
  for (const ClientCall& call : history.calls) {
    submitted += call.kind == ClientCall::Kind::kSubmit && call.code == absl::StatusCode::kOk;
  }
  result.completed = submitted == options.jobs;
  Failures(disk, history, options, result).Loop();
  return result;
}

}  // namespace vico
